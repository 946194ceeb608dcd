"""What a promotion, a roll-back and loading a baseline cost over the bare copy of the same bytes."""
