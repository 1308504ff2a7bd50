"""Safelight: finds grooming-stage language in chat exports."""

__version__ = "0.1.0"
