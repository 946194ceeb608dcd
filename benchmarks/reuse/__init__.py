"""Repeated looks at one evaluation set: how often a worse model gets through, and the rows that bounds ask for."""
