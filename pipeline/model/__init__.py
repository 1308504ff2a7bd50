"""Models: what they compute, how they are saved, and how they are loaded without trust."""
