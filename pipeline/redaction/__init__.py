"""Cover the names of people and places, and what identifies them, in text."""
