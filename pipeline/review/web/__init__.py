"""The pages of the review, on the store and the runs; nothing else in the house knows HTTP."""
