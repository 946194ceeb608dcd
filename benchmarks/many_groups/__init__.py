"""A disparity over ten thousand groups."""
