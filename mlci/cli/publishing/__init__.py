"""Steps and messages of ``mlci publish``."""
