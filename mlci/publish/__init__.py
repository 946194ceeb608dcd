"""What is to be said on GitHub, decided without a request: event facts, plan, comment, check, texts, advice. Pure."""
