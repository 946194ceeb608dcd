"""Files and JSON with bounds, shared by several layers."""
