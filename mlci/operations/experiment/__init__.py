"""Operations of experiments: reading both arms, the verdict, and carrying it out."""
