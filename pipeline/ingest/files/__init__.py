"""Files as they lie: in folders, in archives, in any encoding."""
