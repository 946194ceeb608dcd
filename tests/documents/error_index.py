"""The page ``docs/reference/errors.md``: every message of an expected failure, read from mlci's source by `make docs`.

A message is what the constructor of an error, or a function that collects problems, gets. Its first clause is the
heading, so that the site's search lists it; reason and remedy follow.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from mlci.errors import MlciError
from tests.documents.message_texts import UNKNOWN, Module, Texts, is_sentence

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "errors.md"
HEAD = """# Errors

Every error message with its cause and its remedy. `…` stands for names, numbers and paths. Paste the line that mlci
printed, without the file and the line number before it, into the site's search or your browser's.

All problems of a file are listed at once, one line each: `mlci.yml:5: message`. [Exit codes](exit-codes.md) have a page
of their own, [Troubleshoot a workflow](../how-to/workflows/troubleshoot.md) begins with what GitHub shows. `make docs`
generates this page from the source.
"""
COLLECTORS = {"Problem": "message", "problem": "message", "refuse": "message", "UsageError": "message"}
"""Functions and classes beside the errors that get a message, with the name of the parameter."""
CODES = {
    1: "blocked, because code of the user's would have to run",
    2: "configuration or input",
    3: "the train or predict step",
    4: "GitHub, a registry, a data store or the network",
    70: "other",
}
AREAS = (
    ("config", "`mlci.yml`"),
    ("operations/name_checks.py", "`mlci.yml`"),
    ("operations/evaluation_plan.py", "`mlci.yml`"),
    ("engine", "Tables"),
    ("execution/metrics_file.py", "Metrics files"),
    ("operations/metrics_only.py", "Metrics files"),
    ("execution", "Commands, saved models and functions of yours"),
    ("operations/models/baseline", "Baseline"),
    ("operations/models", "Commands, saved models and functions of yours"),
    ("operations/registry/retrain.py", "Commands, saved models and functions of yours"),
    ("operations/evaluation_sets.py", "Baseline"),
    ("operations/registry/training_noise.py", "Baseline"),
    ("git", "Baseline"),
    ("registry", "Registry"),
    ("operations/registry/probe.py", "Registry"),
    ("cli/registry_factory.py", "Registry"),
    ("operations/bundle", "Bundle and promotion"),
    ("operations/provenance.py", "Bundle and promotion"),
    ("operations/registry/promote.py", "Bundle and promotion"),
    ("operations/registry/preflight.py", "Bundle and promotion"),
    ("operations/registry/import_model.py", "Bundle and promotion"),
    ("operations/registry/reevaluate.py", "Bundle and promotion"),
    ("operations/registry/rollback.py", "Bundle and promotion"),
    ("operations/registry/reproduce.py", "Bundle and promotion"),
    ("sealed", "Sealed mode"),
    ("operations/sealed", "Sealed mode"),
    ("cli/sealed", "Sealed mode"),
    ("github", "GitHub"),
    ("publish", "GitHub"),
    ("operations/publish", "GitHub"),
    ("cli/github", "GitHub"),
    ("cli/publish", "GitHub"),
    ("report", "`report.json` and `evaluation.json`"),
    ("inference", "`report.json` and `evaluation.json`"),
    ("api", "Python and pytest"),
    ("pytest_plugin", "Python and pytest"),
    ("", "Command line"),
)
"""The area of a file by the beginning of its path in the package; the first that fits counts."""
JOBS = "A job whose token can write runs no code of yours ([Trust](../explanation/trust.md))."
OWN_CODE = "Commands, saved models and functions of yours"
REMEDIES = {
    (1, OWN_CODE): f"{JOBS} Run `mlci run` and `mlci promote` in jobs of their own.",
    (1, "Baseline"): f"{JOBS} Run the job that evaluates again, then this one.",
    (1, "Bundle and promotion"): f"{JOBS} Choose *Re-run all jobs*, so that the evaluation is made again first.",
    (2, "`mlci.yml`"): "The message begins with the line to correct; [Configuration](configuration.md) has every key.",
    (2, "Tables"): "The message names file and row. Correct what writes the file, and write it again.",
    (
        2,
        "Metrics files",
    ): "Correct what writes the file; [Gate a metrics file](../how-to/start/gate-a-metrics-file.md) has the "
    "forms that are read.",
    (2, OWN_CODE): "Correct the model, the function or the entry that names it; [`predict`](configuration.md#predict) "
    "and [functions](configuration.md#functions-of-your-own) have the rules.",
    (2, "Baseline"): "[Baselines](../explanation/baselines.md) says what can be compared; `baseline: none` judges a "
    "candidate alone.",
    (2, "Registry"): "Correct `registry:` or the number of the version; `mlci versions` lists what exists.",
    (2, "Bundle and promotion"): "Run `mlci run` again and promote what it leaves; [Promote a "
    "model](../how-to/registry/promote-a-model.md) has the steps.",
    (2, "GitHub"): "The file at `GITHUB_EVENT_PATH` is not the one that GitHub wrote: run in a workflow, and leave the "
    "variable alone.",
    (
        2,
        "Sealed mode",
    ): "An artifact is refused unless it holds exactly what `mlci sealed predict` wrote, and a setting "
    "of `mlci.yml` unless the gate can judge it without running anything of the pull request.",
    (2, "`report.json` and `evaluation.json`"): "The file was not written by this mlci, or was changed since: run "
    "`mlci run` or `mlci evaluate` again.",
    (2, "Python and pytest"): "[Compare two models in Python](../how-to/gates/compare-in-python.md) and [Test "
    "behaviour with pytest](../how-to/gates/test-behaviour-with-pytest.md) have examples.",
    (2, "Command line"): "[Command line](command-line.md) has every option; `--help` prints those of a command.",
    (3, OWN_CODE): "Run the command by hand in the folder of `mlci.yml`, with the variables that "
    "[`predict`](configuration.md#predict) lists; its output stands above the message.",
    (4, "Registry"): "Try again if the cause is the network; `mlci registry check` tries every right and names what is "
    "missing. [Repair a damaged registry](../how-to/registry/repair-a-registry.md) is for bytes that are lost or "
    "changed.",
    (4, "GitHub"): "Try again later, or give the token the rights of [Permissions](permissions.md).",
}
"""Remedies of messages that have none of their own, by exit code and area."""
DEFAULT = "Try again; if it stays, the message names the place to look at."
_NESTED = re.compile(r"`[^`]*\[…\][^`]*`:? `[^`]*\[…\]")
"""The beginning of a text that two functions put together, which no run does: each of them names the entry."""


@dataclass(frozen=True)
class Message:
    """A text that an error can have.

    Attributes:
        code: Exit code.
        area: Heading of the group.
        cause: The first clause.
        more: Reason and remedy, which may have lines to copy.
    """

    code: int
    area: str
    cause: str
    more: str


def page(root: Path = ROOT, package: str = "mlci") -> str:
    """Return the page."""
    groups: dict[int, dict[str, dict[str, set[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for message in messages(root, package):
        groups[message.code][message.area][message.cause].add(message.more)
    order = list(dict.fromkeys(title for _, title in AREAS))
    parts = [HEAD]
    for code in sorted(groups):
        parts.append(f"## Exit code {code}: {CODES[code]}\n")
        for area in sorted(groups[code], key=order.index):
            parts.append(f"### {area}\n\n{REMEDIES.get((code, area), DEFAULT)}\n")
            found = groups[code][area]
            parts += [entry(cause, found[cause]) for cause in sorted(found, key=sort_key)]
    return "\n".join(parts)


def messages(root: Path, package: str) -> Iterator[Message]:
    """Yield the messages of a package, without those that are the end of another one of the same file."""
    texts = Texts(root, package)
    kinds = errors_by_name()
    found = {
        (name, module.path, text)
        for name in (*kinds, *COLLECTORS)
        for module, call in texts.calls(name)
        for text in message_texts(texts, module, call)
    }
    by_file: dict[Path, set[str]] = defaultdict(set)
    for _, path, text in found:
        by_file[path] |= set() if _NESTED.match(text) else {text}
    for name, path, text in sorted(found):
        if not _NESTED.match(text) and not any(other != text and other.endswith(text) for other in by_file[path]):
            code, remedy = kinds.get(name, (2, ""))
            cause, more = split(text)
            yield Message(code, area_of(path, package), cause, more or remedy)


def errors_by_name() -> dict[str, tuple[int, str]]:
    """Return exit code and remedy of every kind of error."""
    for path in sorted((ROOT / "mlci").rglob("*.py")):
        if re.search(r"^class \w+\(\w*Error\)", path.read_text("utf-8"), re.MULTILINE):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found: dict[str, tuple[int, str]] = {}
    pending = [MlciError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        found[kind.__name__] = (kind.exit_code, kind.remedy)
    return found


def message_texts(texts: Texts, module: Module, call: ast.Call) -> list[str]:
    """Return the texts of a call's message: the first argument that is a sentence, with the hint after it."""
    named = [one.value for one in call.keywords if one.arg == "message"]
    hints = [texts.of(one.value, module) for one in call.keywords if one.arg == "hint"]
    for argument in [*named, *call.args[:1], *call.args[2:3]]:  # the second one names a setting or a condition
        found = [tidy(text) for text in texts.of(argument, module) if is_sentence(text)]
        if found:
            return [tidy(text + hint) for text in found for hint in (hints[0] if hints else [""])]
    return []


def tidy(text: str) -> str:
    """Return a text with one placeholder in a row, and without blanks at the ends of lines."""
    text = re.sub(r"\{\w+(?:![rs])?\}", UNKNOWN, text)
    text = re.sub(f"{UNKNOWN}+", UNKNOWN, text)
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def split(text: str) -> tuple[str, str]:
    """Return the first clause and the rest: clauses end at a semicolon, a sentence's end or a line's."""
    end = re.search(r"; (?=[^`]*(?:`[^`]*`[^`]*)*$)|(?<=[\w`)…])\. (?=[A-Z`])|:?\n", text)
    whole = end is None or len(re.findall(r"[A-Za-z]{2,}", text[: end.start()])) < 2
    return (text, "") if whole else (text[: end.start()], text[end.end() :])


def area_of(path: Path, package: str) -> str:
    """Return the area of a file."""
    inside = path.relative_to(package).as_posix()
    return next(title for prefix, title in AREAS if inside.startswith(prefix))


def sort_key(cause: str) -> str:
    """Return what causes are sorted by: their words."""
    return re.sub(r"[^a-z0-9 ]", "", cause.lower()).strip() or cause


def entry(cause: str, rests: set[str]) -> str:
    """Return the heading and the remedies of a message; lines to copy become a block."""
    parts = [f"#### {escape(' '.join(cause.split()))}\n"]
    for rest in sorted(rests - {"", UNKNOWN} - {f"{rest}{UNKNOWN}" for rest in rests}):
        words, _, lines = rest.partition("\n")
        parts.append(f"{escape(words[:1].upper() + words[1:])}{'' if words.endswith((':', '.', '?', '…')) else '.'}\n")
        if lines:
            parts.append(f"```text\n{lines}\n```\n")
    return "\n".join(parts)


def escape(text: str) -> str:
    """Return a text for Markdown: outside of code, signs that it would read are escaped."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(one if one.startswith("`") else re.sub(r"([*<>\[\]_|#])", r"\\\1", one) for one in pieces)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
