"""Commands of sealed mode: the training job without rights, and the gate that trusts none of its files."""
