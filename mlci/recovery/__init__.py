"""Rules of recovery: which predictions are kept, and anchors of the ledger. Pure."""
