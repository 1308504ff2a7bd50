"""What a moderator works in: a store of decisions with an audit log, and the page on it."""
