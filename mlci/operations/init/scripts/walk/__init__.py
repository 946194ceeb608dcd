"""Walk over the syntax tree of a training script: state, evaluation points, names, calls, and blocks in order."""
