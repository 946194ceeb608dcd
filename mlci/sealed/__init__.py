"""Trusted side of sealed mode, without effects: identity, artifact, predictions and refused settings. Pure."""
