"""Text building blocks: numbers, labels, tables, markup, escaping."""
