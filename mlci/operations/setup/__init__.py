"""Settings of a repository on GitHub as code: required checks, protected environments, and what blocks them."""
