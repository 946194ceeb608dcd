"""The command line of mlci."""
