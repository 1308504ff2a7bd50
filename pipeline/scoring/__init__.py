"""Scoring at any size: the unit of work is an Arrow table of whole conversations in, an Arrow table of their scores out."""
