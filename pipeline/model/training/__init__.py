"""Training: what turns labelled conversations into a model. Needs the extra `train`; scoring never comes here."""
