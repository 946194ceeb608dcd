"""Projects and logs of ``mlci demo``."""
