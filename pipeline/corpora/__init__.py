"""Labelled corpora: a path in, labelled conversations out, whatever the corpus and the level it is labelled at."""
