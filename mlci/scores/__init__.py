"""Evaluation logs of language models and other scored items: what each tool wrote, as one kind of record."""
