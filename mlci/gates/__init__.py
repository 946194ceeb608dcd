"""Gates: outcomes from estimates, and one verdict from the outcomes."""
