"""Examples, run by the commands of their READMEs."""
