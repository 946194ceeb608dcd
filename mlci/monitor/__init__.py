"""Production monitoring: drift, checks, quality, and the states that follow from a history of windows. Pure."""
