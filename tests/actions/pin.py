"""``make pin``: let documents and templates name this checkout's last commit and version of mlci's own actions.

A commit can't name itself, so this is a separate commit, right after the one that it names.
"""

import json
import re
import subprocess

from mlci import __version__
from tests.actions.tree import OWN, ROOT, pages

PINNED = re.compile(rf"(uses: {OWN}(?:/\S+)?)@\S+ # v[\w.-]+")


def main() -> None:
    """Write the list of pins, and every place that names us."""
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()
    path = ROOT / ".github/pins.json"
    old = json.loads(path.read_text("utf-8"))[OWN]
    new = {"version": f"v{__version__}", "sha": sha}
    text = path.read_text("utf-8").replace(old["sha"], new["sha"])
    path.write_text(re.sub(rf'("{OWN}": {{\s+"version": )"[^"]+"', rf'\g<1>"{new["version"]}"', text), "utf-8")
    for place in [*pages(ROOT), *sorted((ROOT / "templates/workflows").glob("*.yml"))]:
        written = place.read_text("utf-8")
        named = PINNED.sub(rf"\g<1>@{sha} # {new['version']}", written)
        if named != written:
            place.write_text(named, "utf-8")


if __name__ == "__main__":
    main()
