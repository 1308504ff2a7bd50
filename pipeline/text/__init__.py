"""What is done to text on its way into a model. The evidence itself is never rewritten."""
