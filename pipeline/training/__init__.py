"""Training: corpus and recipe in, model folder out."""
