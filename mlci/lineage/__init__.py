"""What two models were made from, and what of it differs."""
