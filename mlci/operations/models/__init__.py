"""Steps that produce one model's predictions."""
