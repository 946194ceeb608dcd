"""Files that are written from an evaluation set: features, labels, predictions."""
