"""Templates of reports, installed as the package ``mlci.templates``."""
