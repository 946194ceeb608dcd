"""Production logs: windows, distributions of columns beside those of the evaluation set, and rows with labels."""
