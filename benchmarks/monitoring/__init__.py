"""Alarms and warnings of `mlci monitor` in simulated weeks: without any change, and after a fall of quality."""
