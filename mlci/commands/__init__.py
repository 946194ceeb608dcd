"""Commands in comments of pull requests: grammar, facts of the event, rules, answers."""
