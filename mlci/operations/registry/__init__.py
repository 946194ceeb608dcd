"""Operations on a registry of promoted models, as ``mlci.cli.commands.registry`` has its commands."""
