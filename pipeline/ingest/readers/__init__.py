"""A reader for each format: files in, conversations out."""
