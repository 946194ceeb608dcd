"""``mlci.yml``: its models, its reader with line numbers, and its JSON Schema."""
