"""One model's way to its predictions."""
