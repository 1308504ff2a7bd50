"""MLflow: what is kept of a training run, and the model as MLflow serves it. Needs the extra `train`."""
