"""Python scripts and notebooks: what they do, and the lines that they lack."""
