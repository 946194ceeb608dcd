"""Python interface: compare two models on one evaluation set, as ``mlci run`` does."""
