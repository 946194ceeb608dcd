"""Cost and memory of tables that are added up in blocks: one file, and three files joined by key with a budget."""
