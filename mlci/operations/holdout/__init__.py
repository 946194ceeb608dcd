"""Uses of evaluation sets: counted by the ledger, and limited by a budget of looks."""
