"""Training of staff on written cases: the cases, the grade of a reading, what comes next, scores, and a certificate."""
