"""Planning of evaluations: power of the gates' own intervals, the drop that they find, rows and repeats they need."""
