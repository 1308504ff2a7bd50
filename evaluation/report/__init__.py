"""The report of an evaluation: one page that asks the network for nothing."""
