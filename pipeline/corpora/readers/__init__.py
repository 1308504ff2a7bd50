"""A reader for each labelled corpus or labelling tool."""
