"""Reading of training scripts and notebooks, and the lines that are added to them."""
