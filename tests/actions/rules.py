"""Rules for actions and workflows: pins, permissions, and the content of scripts. Each check returns findings."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.actions.tree import OWN, ROOT, File, files, jobs, pages, scripts, steps

_PINNED = re.compile(
    r"^\s*(?:- )?uses: (?P<name>[\w.-]+/[\w.-]+)(?P<path>/\S+)?@(?P<ref>\S+)(?: # (?P<version>v\S+))?", re.MULTILINE
)
_SAID = re.compile(r"uses: (?P<name>[\w.-]+/[\w.-]+)@(?P<ref>[\w.]+)(?: # (?P<version>v[\d.]+))?")
_PERMISSION = re.compile(r"^ +[a-z-]+: (?:read|write)\b.*$", re.MULTILINE)
_NOT_IN_BASH_3 = re.compile(
    r"declare -[An]|local -n|mapfile|readarray|coproc|wait -n|\|&|&>>|\$\{\w+(,,?|\^\^?|@[A-Z])|\$EPOCH|\bprintf '%\("
)
_TRUSTED = re.compile(
    r"actions/(checkout|(down|up)load-artifact)@"
    r"|(\$|mlci/mlci)/actions/(setup|gate|publish|promote|rollback|commands|experiment|deploy|monitor)\b"
    r"|gh release create |gh auth setup-git\ncp deploy/model\.yaml "
    r'|gh api "repos/\$GH_REPO/git/matching-refs/tags/|test -n |exec "\$MLCI" (reproduce|costs) --record [\w./-]+\n?$'
)
_GNU_ONLY = re.compile(
    r"\bsed -i|readlink -f|\brealpath\b|grep -\w*P|date (-d|\+%s%N)|sort -V|stat -c|xargs -r|\btimeout \d|sha256sum"
)


def pins(tree: Path) -> list[str]:
    """Every third-party action is on the list, with its commit and version; every action of mlci exists in the tree."""
    known = json.loads((tree / ".github/pins.json").read_text("utf-8"))
    places = [*files(tree), *(File(page, page.relative_to(tree).as_posix()) for page in pages(tree))]
    found = [f"{file.shown}: {problem}" for file in places for problem in _uses(file, tree, known)]
    said = [(file, match) for file in scripts(tree) for match in _SAID.finditer(file.text)]
    return found + [
        f"{file.shown}: a message names {match[0]}, which has no pin"
        for file, match in said
        if (match["ref"], match["version"]) != _pin(known, match["name"])
    ]


def _pin(known: dict[str, Any], name: str) -> tuple[str, str] | None:
    return (known[name]["sha"], known[name]["version"]) if name in known else None


def _uses(file: File, tree: Path, known: dict[str, Any]) -> Iterator[str]:
    for match in _PINNED.finditer(file.text):
        pin = known.get(match["name"])
        if pin is None:
            yield f"{match['name']} is not in .github/pins.json"
        elif (match["ref"], match["version"]) != (pin["sha"], pin["version"]):
            yield f"{match['name']} has to be @{pin['sha']} # {pin['version']}"
        elif match["name"] == OWN and not _there(tree, (match["path"] or "").lstrip("/")):
            yield f"{match[0].strip()}: this action or workflow does not exist"
    for path in re.findall(r"uses: \$/(\S+)", file.text):
        if not _there(tree, path):
            yield f"$/{path}: this action or workflow does not exist"
    if re.search(r"uses: [.]", file.text):
        yield "uses: ./ is the caller's checkout; write $/"


def _there(tree: Path, path: str) -> bool:
    return (tree / path / "action.yml").is_file() or (path.endswith(".yml") and (tree / path).is_file())


def history(tree: Path) -> list[str]:
    """The commit of mlci that documents and templates name is in the history, and contains what they use."""
    sha = json.loads((tree / ".github/pins.json").read_text("utf-8"))[OWN]["sha"]
    git = ["git", "-C", str(ROOT)]
    if subprocess.run([*git, "merge-base", "--is-ancestor", sha, "HEAD"], capture_output=True, check=False).returncode:
        return [f"{OWN}@{sha} is not in the history; run `make pin`"]
    texts = [file.text for file in files(tree)]
    used = {
        (match["path"] or "").lstrip("/") for text in texts for match in _PINNED.finditer(text) if match["name"] == OWN
    }
    places = [path if path.endswith(".yml") else f"{path}/action.yml".lstrip("/") for path in sorted(used)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", sha], capture_output=True, text=True, check=True
    ).stdout
    return [f"{OWN}@{sha} has no {place}; run `make pin`" for place in places if place not in listed.splitlines()]


def permissions(tree: Path) -> list[str]:
    """A workflow grants nothing at its top, and each permission of a job has its reason beside it."""
    found = []
    for file in files(tree):
        if not file.is_action and file.content.get("permissions") != {}:
            found.append(f"{file.shown}: `permissions: {{}}` is missing at the top")
        if not file.is_action and "concurrency" not in file.content:
            found.append(f"{file.shown}: `concurrency` is missing")
        bare = [name for name, job in jobs(file).items() if not job.get("permissions")]
        found += [f"{file.shown}: job {name} has no permissions" for name in bare]
        silent = [line.strip() for line in _PERMISSION.findall(file.text) if not re.search(r"# .{10,}", line)]
        found += [f"{file.shown}: {line}: say what for, in a comment beside it" for line in silent]
    return found


def writers(tree: Path) -> list[str]:
    """A job that may write contents runs no code of the repository; it promotes, rolls back, records or releases."""
    found = []
    for file in files(tree):
        for name, job in jobs(file).items():
            if (job.get("permissions") or {}).get("contents") != "write":
                continue
            untrusted = [step for step in job.get("steps", []) if not _TRUSTED.match(step.get("uses") or step["run"])]
            bad = [step.get("name", "without a name") for step in untrusted]
            found += [
                f"{file.shown}: job {name} may write contents, and its step `{one}` may run anything" for one in bad
            ]
    return found


def expressions(tree: Path) -> list[str]:
    """No expression is pasted into a script, and none of mlci's actions calls another one."""
    found = []
    for file in files(tree):
        for step in steps(file):
            where = f"{file.shown}: {step.get('name')}"
            if "${{" in step.get("run", ""):
                found.append(f"{where}: an expression inside `run`; hand it over through `env`")
            if "name" not in step:
                found.append(f"{file.shown}: a step without a name")
            if file.is_action and str(step.get("uses", "")).startswith(("./", "$/", OWN)):
                found.append(f"{where}: an action inside of one of mlci's actions")
    return found


def portable(tree: Path) -> list[str]:
    """Scripts run under bash 3.2 and on any Unix, and none sets what later steps run with."""
    found = []
    for path in [*sorted((tree / "actions").rglob("*")), tree / "action.yml"]:
        if path.suffix not in {".sh", ".py", ".yml"}:
            continue
        text, shown = path.read_text("utf-8"), path.relative_to(tree)
        found += [f"{shown}: {hit[0]} outlives the step" for hit in re.finditer(r"GITHUB_(ENV|PATH)\b", text)]
        if path.suffix != ".py":
            found += [f"{shown}: {hit[0]} is not in bash 3.2" for hit in _NOT_IN_BASH_3.finditer(text)]
            found += [f"{shown}: {hit[0]} is not on every system" for hit in _GNU_ONLY.finditer(text)]
    return found
