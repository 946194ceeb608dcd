"""Disparities between groups, and their change."""
