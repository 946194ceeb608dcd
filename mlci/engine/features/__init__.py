"""The features file for a prediction step: the evaluation set without its label, otherwise unchanged."""
