"""Reduction of joined rows that are in memory, as exact as ranks and floats allow."""
