"""The baseline: TF-IDF n-grams, linear stages and a running risk. Needs numpy alone."""
