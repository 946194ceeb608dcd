"""Simulated experiments that are looked at after every hundred users."""
