"""What runs the scoring core: this machine, Ray, or Spark."""
