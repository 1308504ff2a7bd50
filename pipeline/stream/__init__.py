"""Score conversations as they happen: a message at a time, with a small state a conversation, to the scores of a batch run."""
