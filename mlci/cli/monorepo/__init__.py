"""Commands about repositories with several models."""
