"""Operations of sealed mode."""
