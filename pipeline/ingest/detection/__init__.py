"""Which files are exports, and in which format."""
