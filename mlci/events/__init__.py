"""Events of a run, and their renderings as lines and JSON. Pure: streams and clocks are passed in."""
