"""The report of a run: what a moderator reads."""
