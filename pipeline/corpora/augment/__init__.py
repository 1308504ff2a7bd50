"""Variety for the training split, made of written conversations."""
