"""Promotion of a bundle to champion."""
