"""Cost of intervals of functions of rows."""
