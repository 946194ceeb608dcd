"""The step of `release.yml` that moves the tag of the major version, with a recording `gh`."""

import subprocess

import pytest
from ruamel.yaml import YAML

from tests.actions.tree import ROOT

WORKFLOW = YAML(typ="safe").load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
GH = """\
#!/bin/sh
case "$*" in
  *matching-refs*) cat refs ;;
  *) echo "$*" >> calls ;;
esac
"""


def move(folder, tag, refs):
    """Run the step for a tag in a repository with tags; return what it asks GitHub to write."""
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    (folder / "refs").write_text("".join(f"refs/tags/{name}\n" for name in refs))
    [step] = WORKFLOW["jobs"]["major"]["steps"]
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "GH_REPO": "o/r", "TAG": tag, "COMMIT": "c0ffee"}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=folder, env=environment, check=True, capture_output=True)
    calls = folder / "calls"
    return calls.read_text().strip() if calls.exists() else ""


@pytest.mark.parametrize(
    ("tag", "refs", "call"),
    [
        ("v0.2.0", ["v0.1.0", "v0.2.0"], "api --method POST repos/o/r/git/refs -f ref=refs/tags/v0 -f sha=c0ffee"),
        (
            "v0.10.0",
            ["v0", "v0.2.0", "v0.9.9", "v0.10.0", "v0.11.0-rc1"],
            "api --method PATCH repos/o/r/git/refs/tags/v0 -f sha=c0ffee -F force=true",
        ),
        ("v0.1.5", ["v0", "v0.1.5", "v0.2.0"], ""),
    ],
)
def test_major_tag__moves_to_the_newest_release(tmp_path, tag, refs, call):
    assert move(tmp_path, tag, refs) == call


def test_release__waits_for_the_files_to_be_tested():
    steps = [step["name"] for step in WORKFLOW["jobs"]["build"]["steps"]]
    assert steps.index("Test both with the source removed") == steps.index("Hand the files over") - 1
    assert WORKFLOW["jobs"]["major"]["needs"] == "release"
