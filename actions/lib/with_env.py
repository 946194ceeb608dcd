"""Run a command with variables from a JSON object in VARIABLES, each value masked in the log first.

Usage: with_env.py COMMAND ARGUMENT... GitHub masks a secret as a whole, so the values inside it would be shown.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # isolated mode leaves it out

from command import WINDOWS, FailedError, complaint

_REMEDY = 'write a JSON object of names and values, such as {"AWS_REGION": "eu-central-1"}'


def main(command: list[str]) -> int:
    """Mask the values, then execute the command; return 2 for an object that can't be read."""
    try:
        given = variables(os.environ.pop("VARIABLES", ""))
    except FailedError as error:
        print(complaint("mlci: an input is wrong", error))
        return 2
    for line in {line for value in given.values() for line in value.splitlines() if line.strip()}:
        print("::add-mask::" + line.replace("%", "%25").replace("\r", "%0D"))
    sys.stdout.flush()
    if not WINDOWS:  # on Windows exec would end the step before the command
        os.execvpe(command[0], command, os.environ | given)  # noqa: S606 (signals go to the command itself)
    return subprocess.run(command, env=os.environ | given, check=False).returncode


def variables(text: str) -> dict[str, str]:
    """Return the variables in a JSON object; none for an empty text.

    Raises:
        FailedError: if it is not an object of texts; the message contains no value.
    """
    try:
        given = json.loads(text or "{}")
    except ValueError:
        raise FailedError(f"env: this is not JSON; {_REMEDY}") from None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise FailedError(f"env: this is not an object of texts; {_REMEDY}")
    if bad := [name for name in given if not name or "=" in name or "\0" in name + given[name]]:
        raise FailedError(f"env: {bad[0]!r} can't be a variable; {_REMEDY}")
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
