"""Runs the command line as ``python -m mlci``."""

from mlci.cli import program

if __name__ == "__main__":
    program()
