"""Entry point of ``python -m mlci``."""

from mlci.cli.main import program

if __name__ == "__main__":
    program()
