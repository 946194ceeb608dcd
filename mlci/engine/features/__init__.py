"""The evaluation set without its label, and with nothing else changed, for the step that predicts."""
