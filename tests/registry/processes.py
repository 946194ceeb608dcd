"""The command line as a separate process."""

import os
import subprocess
import sys

from tests.support.repository import ENVIRONMENT


def cli(*arguments, cwd):
    """Run a command as the installed program would."""
    environment = {**os.environ, **{name: ENVIRONMENT[name] for name in ENVIRONMENT if name.startswith("GIT_")}}
    environment.pop("GITHUB_ACTIONS", None)
    words = [str(word) for word in arguments]
    return subprocess.run(
        [sys.executable, "-m", "mlci", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
