"""Figures on saved scores and labels. Nothing here needs torch, or a second run of the model."""
