"""On-ramps of `mlci init`: predictions, a training script, a saved model, or a metrics file."""
