"""The features file for a prediction step: the evaluation set without its label, and with no other change."""
