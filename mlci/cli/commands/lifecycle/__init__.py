"""Commands for a model in production: monitoring, experiments, delivery, costs, recovery, governance."""
