"""Coverage of average odds differences and of disparities to the whole set."""
