"""Steps of `release.yml`: the tag's commit in a clone, and the tag of the major version with a recording `gh`."""

import re
import subprocess

import pytest
from ruamel.yaml import YAML

from tests.actions.pin import PINNED
from tests.actions.tree import OWN, ROOT
from tests.support.repository import commit, git, init

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
        ("v0.3.0rc1", ["v0", "v0.2.0", "v0.3.0rc1"], ""),
    ],
)
def test_major_tag__moves_to_the_newest_release(tmp_path, tag, refs, call):
    assert move(tmp_path, tag, refs) == call


def test_release__waits_for_the_files_to_be_tested():
    steps = [step["name"] for step in WORKFLOW["jobs"]["build"]["steps"]]
    assert steps.index("Test both with the source removed") == steps.index("Hand the files over") - 1
    assert WORKFLOW["jobs"]["major"]["needs"] == "release"


def look_for_commit(folder):
    """Run the step that looks for the tag's commit on main, in a clone; return its exit code and what it prints."""
    steps = {step["name"]: step for step in WORKFLOW["jobs"]["build"]["steps"]}
    environment = {"PATH": "/usr/bin:/bin", "TAG": "v0.2.0", "BRANCH": "main"}
    script = ["bash", "-e", "-c", steps["Look for the tag's commit on main"]["run"]]
    ended = subprocess.run(script, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    return ended.returncode, ended.stdout


def test_release__only_of_a_commit_on_main(tmp_path):
    made = commit(init(tmp_path), {"a": "1"})
    git(tmp_path, "update-ref", "refs/remotes/origin/main", made)
    assert look_for_commit(tmp_path) == (0, "")
    commit(tmp_path, {"a": "2"})
    code, printed = look_for_commit(tmp_path)
    assert (code, "v0.2.0 is not on main" in printed) == (1, True)


def test_release__pre_releases_are_marked():
    [_, step] = WORKFLOW["jobs"]["release"]["steps"]
    letters = re.findall(r"contains\(github.ref_name, '(\w+)'\)", step["env"]["PRERELEASE"])
    marked = [
        tag for tag in ("v0.2.0", "v10.2.30", "v0.2.0a1", "v0.2.0b2", "v0.2.0rc1") if any(x in tag for x in letters)
    ]
    assert marked == ["v0.2.0a1", "v0.2.0b2", "v0.2.0rc1"]
    assert '--prerelease="$PRERELEASE"' in step["run"]


def test_pin__keeps_what_follows_the_version():
    line = f"| `uses: {OWN}@{'0' * 40} # v0.1.0` | this commit |"
    assert PINNED.sub(r"\g<1>@abc # v0.2.0", line) == f"| `uses: {OWN}@abc # v0.2.0` | this commit |"
