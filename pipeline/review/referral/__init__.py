"""The parts of a referral pack: what is in it, its page and its PDF, its tables, its report fields, its signature."""
