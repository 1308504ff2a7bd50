"""Cases: runs that belong together, the accounts in them, who may be one person, notes and tasks."""
