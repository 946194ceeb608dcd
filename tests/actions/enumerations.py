"""Words that GitHub compares without complaint: outcomes, events, runner labels, flags, and files that scripts name.

An unknown word in a comparison is not an error on GitHub; the comparison is false for ever. The lists are GitHub's
documentation of contexts, events and hosted runners, as of the pins in `.github/pins.json`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.actions.tree import OWN, ROOT, File, files, jobs, scripts, steps

OUTCOMES = {"success", "failure", "cancelled", "skipped"}
SYSTEMS = {"Linux", "Windows", "macOS"}
EVENTS = {
    "branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status",
    "discussion", "discussion_comment", "fork", "gollum", "issue_comment", "issues", "label", "merge_group",
    "milestone", "page_build", "public", "pull_request", "pull_request_review", "pull_request_review_comment",
    "pull_request_target", "push", "registry_package", "release", "repository_dispatch", "schedule", "status", "watch",
    "workflow_call", "workflow_dispatch", "workflow_run",
}  # fmt: skip
RUNNERS = re.compile(
    r"ubuntu-(latest|slim|2[246]\.04(-arm)?)|windows-(latest|2022|2025|11-arm|2025-vs2026)"
    r"|macos-(latest|1[3-9]|2\d)(-(large|xlarge|intel))?"
)
_CONTEXTS = ("github.", "steps.", "needs.", "runner.", "job.")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_COMPARED = re.compile(r"([\w.-]+)\s*[!=]=\s*'([^']*)'")
_WITH_BOOLEAN = re.compile(r"\b((?:inputs|steps|needs|env|vars|matrix)\.[\w.-]+)\s*[!=]=\s*(?:true|false)\b")
_BARE_INPUT = re.compile(r"(?<![\w.-])inputs\.([\w-]+)(?![\w.-])(?!\s*[!=<>]=?)")
_OPERATOR = re.compile(r"&&|\|\||!(?!=)")
_COMMAND = re.compile(r"::(set-output|save-state|set-env|add-path)\b")
_BESIDE = re.compile(r"\$GITHUB_ACTION_PATH/([\w./-]+)|\$lib/([\w.-]+\.(?:py|sh))")
_SCRIPT = re.compile(r"(?<![\w$\"{}/.-])((?:\.?[\w-]+/)+[\w-]+\.(?:sh|py))(?![\w./-])")


def _codes(file: File) -> Iterator[str]:
    """Yield each expression of a file: between braces, and each condition."""
    yield from _EXPRESSION.findall(file.text)
    yield from (str(item["if"]) for item in [*steps(file), *jobs(file).values()] if "if" in item)


def _flags(content: dict[str, Any]) -> set[str]:
    """Return the inputs of an action that are `true` or `false` as text."""
    given = content.get("inputs", {})
    return {name for name, entry in given.items() if str(entry.get("default")) in {"true", "false"}}


def words(tree: Path) -> list[str]:
    """A comparison with a word that GitHub never gives is false for ever."""
    found = []
    for file in files(tree):
        events = EVENTS if file.is_action or "workflow_call" in _triggers(file) else set(_triggers(file))
        known = {"event_name": events, "outcome": OUTCOMES, "conclusion": OUTCOMES, "result": OUTCOMES, "os": SYSTEMS}
        compared = [pair for code in _codes(file) for pair in _COMPARED.findall(code) if ".outputs." not in pair[0]]
        for name, word in compared:
            last = "outcome" if name == "job.status" else name.rpartition(".")[2]
            if name.startswith(_CONTEXTS) and word not in known.get(last, {word}):
                found.append(f"{file.shown}: {name} is never '{word}'")
    return found


def _triggers(file: File) -> Any:
    on = file.content["on"]
    return [on] if isinstance(on, str) else on


def booleans(tree: Path) -> list[str]:
    """Inputs of actions and outputs of steps are text: `== true` is false for ever, and the text `false` is true."""
    found = []
    for file in files(tree):
        typed, flags = _typed(file), _flags(file.content) if file.is_action else set()
        conditions = {str(item["if"]).strip() for item in [*steps(file), *jobs(file).values()] if "if" in item}
        for code in _codes(file):
            found += [f"{file.shown}: {problem}" for problem in _compared_wrongly(code, typed)]
            bare = _BARE_INPUT.findall(code) if {"&&", "||", "!"} & set(_OPERATOR.findall(code)) else []
            bare += _BARE_INPUT.findall(code) if code.strip() in conditions else []
            found += [
                f"{file.shown}: the text inputs.{name} is true whatever it is; compare with 'true'"
                for name in sorted(flags & set(bare))
            ]
        found += [f"{file.shown}: {problem}" for problem in _flag_values(file, tree)]
    return found


def _compared_wrongly(code: str, typed: set[str]) -> Iterator[str]:
    """Yield text that is compared with a boolean, and booleans that are compared with text."""
    for name in _WITH_BOOLEAN.findall(code):
        if name.removeprefix("inputs.") not in typed:
            yield f"{name} is text; compare with 'true'"
    for name, word in _COMPARED.findall(code):
        if name.removeprefix("inputs.") in typed and word in {"true", "false"}:
            yield f"{name} is a boolean; compare with true"


def _typed(file: File) -> set[str]:
    """Return the inputs of a workflow that GitHub hands over as booleans."""
    on = {} if file.is_action else file.content["on"]
    calls = [on.get(name) or {} for name in ("workflow_call", "workflow_dispatch")] if isinstance(on, dict) else []
    return {n for call in calls for n, entry in (call.get("inputs") or {}).items() if entry.get("type") == "boolean"}


def _flag_values(file: File, tree: Path) -> Iterator[str]:
    for step in steps(file):
        match = re.match(rf"(?:{re.escape(OWN)}(?=[/@])/?|\$/)([\w/-]*)(?:@|$)", str(step.get("uses", "")))
        path = tree / match[1] / "action.yml" if match else None
        if path is None or not path.is_file():
            continue
        flags = _flags(File(path, "").content)
        for name, value in step.get("with", {}).items():
            if name in flags and "${{" not in str(value) and value not in {"true", "false"}:
                yield f'`{name}: {value}` has to be "true" or "false"'


def labels(tree: Path) -> list[str]:
    """A label that no runner has leaves a job waiting for a day."""
    found = []
    for file in files(tree):
        found += [
            f"{file.shown}: job {name} waits for the unknown runner {label!r}"
            for name, job in jobs(file).items()
            for label in _labels(job)
            if "${{" not in label and not RUNNERS.fullmatch(label) and label != "self-hosted"
        ]
    return found


def _labels(job: dict[str, Any]) -> list[str]:
    wanted = job.get("runs-on", [])
    if isinstance(wanted, dict):
        wanted = wanted.get("labels", [])
    wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    if "self-hosted" in wanted:
        return ["self-hosted"]  # the others are a team's own words
    matrix = job.get("strategy", {}).get("matrix", {})
    named = [match[1] for label in wanted if (match := re.fullmatch(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}", label))]
    return wanted + [str(value) for name in named for value in (matrix.get(name) or [])]


def existing_scripts(tree: Path) -> list[str]:
    """Each script that a step or another script calls exists."""
    found = []
    for file in [*files(tree), *(file for file in scripts(tree) if file.path.suffix == ".sh")]:
        named = {file.path.parent / (own or beside) for own, beside in _BESIDE.findall(file.text)}
        if _is_ours(file):
            runs = " ".join(str(step.get("run", "")) for step in steps(file))
            named |= {ROOT / name for name in _SCRIPT.findall(runs)}
        found += [f"{file.shown}: {path.name} does not exist" for path in sorted(named) if not path.is_file()]
    return found


def _is_ours(file: File) -> bool:
    """Tell a workflow of this repository from a template or a sample, which run in a user's."""
    shown = file.is_action or file.is_template or file.path.name.startswith("sample-")
    return file.path.suffix == ".yml" and not shown


def runner_commands(tree: Path) -> list[str]:
    """No step and no script writes a runner's command that any program's output could imitate."""
    places = [*files(tree), *(file for file in scripts(tree) if "actions/lib" in file.shown)]
    return [
        f"{file.shown}: ::{name} is disabled or unsafe; use $GITHUB_OUTPUT"
        for file in places
        for name in _COMMAND.findall(file.text)
    ]
