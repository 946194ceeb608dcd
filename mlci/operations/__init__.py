"""Operations: the steps of each command, as calls on ports."""
