"""Tables of integers that add up over blocks: counts, sums of losses, and their bytes."""
