"""Metrics files: nested JSON, YAML or TOML as flat names.

The formats are those that DVC reads as metrics (dvc.org, "dvc metrics"). ``{"test": {"auc": 0.9}}`` becomes
``{"test.auc": 0.9}``. Numbers are metrics; all other values are listed as ignored, and are an error only if a gate
needs them: text that looks like a number, true and false, NaN and infinity are invalid metrics.

Files of other tools are read directly: results of lm-evaluation-harness, what ``dvc metrics show --json`` prints, a
list of objects with ``key`` and ``value`` as in MLflow's REST API, Hugging Face's ``trainer_state.json``, of which the
last value of each name in ``log_history`` is used, and histories of a training (:mod:`mlci.execution.metrics_history`).
"""

import json
import math
import re
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from mlci.errors import InputError, Problem, refuse_directive, yaml_directive
from mlci.execution.metrics_history import choose_entries
from mlci.util.bounds import (
    METRICS_BYTES,
    METRICS_DEPTH,
    METRICS_NAMES,
    METRICS_PARTS,
    METRICS_TEXT_BYTES,
    METRICS_VALUES,
)
from mlci.util.json_text import Bounds, excess
from mlci.util.safe_files import read_bounded

LARGEST = METRICS_BYTES.value
LARGEST_YAML = METRICS_TEXT_BYTES.value
JSON_BOUNDS = Bounds(depth=900, parts=METRICS_PARTS.value, values=METRICS_VALUES.value)
DEEPEST = METRICS_DEPTH.value
MOST = METRICS_NAMES.value
_SHOWN = 20
_NAMED = 10
_NUMBER = re.compile(
    r"\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?\s*%?\s*|\s*[-+]?\.?(nan|inf|infinity)\s*",
    re.IGNORECASE,
)


class _Overflow(float):
    """Infinity in place of a finite number that is too large for a double; ``written`` is that number."""

    def __new__(cls, written: str) -> Self:
        value = super().__new__(cls, written)
        value.written = written
        return value

    written: str


def _number(written: str) -> float:
    """Read a number as a double; one that is too large keeps its digits for the error."""
    value = float(written)
    return _Overflow(written) if math.isinf(value) and any(char.isdigit() for char in written) else value


@dataclass(frozen=True)
class ValueFault:
    """A value that is not a metric; its line is only looked for if it is reported, since that reads the whole text."""

    dotted: str
    words: str
    key: str
    text: str = field(repr=False)
    name: str

    def problem(self) -> Problem:
        """Return the problem, with the line of the name."""
        return Problem(f"“{_short(self.dotted)}” {self.words}", self.name, _line_of(self.text, self.key))


@dataclass(frozen=True, kw_only=True)
class MetricsFile:
    """The numbers of a metrics file, and the names whose values are not numbers.

    Attributes:
        values: Dotted name to number, in the file's order.
        left_out: Dotted names of text, null, dates and lists.
        unusable: What each of those values is, by dotted name.
        wrong: What is wrong with each value that should have been a number, by dotted name.
        assumed: Which entry of a training's history was used, in words.
    """

    values: dict[str, float]
    left_out: tuple[str, ...] = ()
    unusable: Mapping[str, "ValueFault"] = field(default_factory=dict)
    wrong: Mapping[str, "ValueFault"] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()

    def require(self, names: Iterable[str]) -> None:
        """Refuse values that a gate needs and that are not numbers.

        Raises:
            InputError: if there is such a value; the message has all of them with line and reason.
        """
        unusable = {**self.unusable, **self.wrong}
        if faults := [unusable[name] for name in dict.fromkeys(names) if name in unusable]:
            raise InputError.of(_first_problems(faults))

    def notes(self, shown: str) -> tuple[str, ...]:
        """Return lines for the report: the entry of a history that was used, and the ignored values."""
        used = tuple(f"{shown}: {words}" for words in self.assumed)
        names = [*self.wrong, *self.left_out]
        if not names:
            return used
        listed = ", ".join(_short(name) for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        return (*used, f"{shown}: left out, not a number: {listed}{more}")


def read_metrics_file(path: Path, *, shown: str | None = None) -> MetricsFile:
    """Read a metrics file; ``shown`` is its name in errors (as the user wrote it).

    The suffix ``.json``, ``.toml``, ``.yaml`` or ``.yml`` sets the format; without one, a ``{`` at the start means
    JSON, else YAML.

    Raises:
        InputError: if it does not exist, is too large or deep, is invalid in its format, has a name twice, or no
            number.
    """
    name = shown if shown is not None else str(path)
    text = _text(path, name)
    tree, assumed = choose_entries(_parser(path, text)(text, name))
    if not isinstance(tree, Mapping):
        words = "a metrics file contains names with numbers, like {“auc”: 0.9}, or a list of such entries by epoch"
        raise InputError(Problem(words, name, 1))
    return replace(_flatten(tree, text, name), assumed=assumed)


def missing_metrics(baseline: Mapping[str, float], candidate: Mapping[str, float]) -> list[str]:
    """Return the metrics of the baseline that the candidate no longer has, in the baseline's order."""
    return [name for name in baseline if name not in candidate]


def _text(path: Path, name: str) -> str:
    try:
        data = read_bounded(path, LARGEST)
    except OSError as error:
        raise InputError(Problem(f"can't read the metrics file: {error.strerror}", name)) from error
    if len(data) > LARGEST:
        raise InputError(
            Problem(f"larger than {LARGEST // 1000:,} kB: a metrics file contains names and numbers only", name)
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("not UTF-8 text; write JSON, YAML or TOML", name, line)) from error


def _parser(path: Path, text: str) -> Callable[[str, str], Any]:
    by_name = {".json": _json, ".toml": _toml, ".yaml": _yaml, ".yml": _yaml}
    return by_name.get(path.suffix.lower(), _json if text.lstrip().startswith("{") else _yaml)


def _json(text: str, name: str) -> Any:  # noqa: ANN401 - any JSON tree
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in items:
            if key in members:
                raise InputError(Problem(f"“{_short(key)}” is there twice", name, _line_of(text, key, last=True)))
            members[key] = value
        return members

    if size := excess(text, JSON_BOUNDS):
        deep = size.startswith("nested")
        words = (
            f"nested more than {DEEPEST} deep" if deep else f"it is {size}: a metrics file contains names and numbers"
        )
        raise InputError(Problem(words, name))
    try:
        return json.loads(text, object_pairs_hook=pairs, parse_float=_number)
    except json.JSONDecodeError as error:
        raise InputError(Problem(f"not valid JSON: {error.msg}", name, error.lineno)) from error
    except (RecursionError, ValueError) as error:
        raise InputError(Problem(_describe_unreadable(error), name)) from error


def _yaml(text: str, name: str) -> Any:  # noqa: ANN401 - any YAML tree
    _refuse_long(text, name)
    if directive := yaml_directive(text):
        raise InputError(Problem(refuse_directive(directive[0]), name, directive[1]))
    from ruamel.yaml import YAML  # noqa: PLC0415 - not needed for JSON
    from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError  # noqa: PLC0415 - not needed for JSON

    try:
        parser = YAML(typ="safe", pure=True)
        parser.Constructor = _with_overflow(parser.Constructor)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # it quotes the file
            return parser.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = (error.problem or "").split("\n")[0]
        raise InputError(Problem(f"not valid YAML: {_short(cause)}", name, mark.line + 1 if mark else None)) from error
    except (YAMLError, RecursionError, ValueError, TypeError, AssertionError) as error:
        raise InputError(Problem(_describe_unreadable(error), name)) from error


def _refuse_long(text: str, name: str) -> None:
    if len(text) > LARGEST_YAML:
        raise InputError(Problem(f"larger than {LARGEST_YAML // 1000} kB: write a file of this size as JSON", name))


def _with_overflow(base: Any) -> Any:  # noqa: ANN401 - ruamel's constructors have no types
    """Return a constructor of YAML values that distinguishes ``1e400`` from ``.inf``."""

    def construct(constructor: Any, node: Any) -> float:  # noqa: ANN401 - as above
        value: float = constructor.construct_yaml_float(node)
        plain = str(node.value).replace("_", "")
        return _number(plain) if math.isinf(value) and any(char.isdigit() for char in plain) else value

    found: Any = type("OverflowConstructor", (base,), {"yaml_constructors": dict(base.yaml_constructors)})
    found.add_constructor("tag:yaml.org,2002:float", construct)
    return found


def _toml(text: str, name: str) -> Any:  # noqa: ANN401 - any TOML tree
    _refuse_long(text, name)
    try:
        return tomllib.loads(text, parse_float=_number)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        at = re.search(r"at line (\d+)", str(error))
        raise InputError(Problem(f"not valid TOML: {_short(str(error))}", name, int(at[1]) if at else None)) from error


def _describe_unreadable(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {DEEPEST} deep"
    return f"can't be read: {_short(str(error).split(chr(10))[0])}"


def _flatten(tree: Mapping[Any, Any], text: str, name: str) -> MetricsFile:
    values: dict[str, float] = {}
    unusable: dict[str, ValueFault] = {}
    wrong: dict[str, ValueFault] = {}
    twice: list[ValueFault] = []
    seen: set[str] = set()
    for count, (path, value) in enumerate(_leaves(tree, (), name)):
        if count >= MOST:
            raise InputError(Problem(f"more than {MOST:,} names", name))
        dotted = ".".join(path)
        if dotted in seen:
            twice.append(ValueFault(dotted, "is there twice, once as a dotted name", path[-1], text, name))
        elif fault := _describe_wrong(value):
            wrong[dotted] = ValueFault(dotted, fault, path[-1], text, name)
        elif isinstance(value, int | float):
            values[dotted] = float(value)
        else:
            unusable[dotted] = ValueFault(dotted, _kind(value), path[-1], text, name)
        seen.add(dotted)
    if twice:
        raise InputError.of(_first_problems(twice))
    if not values:
        raise InputError.of(
            [Problem("the file contains no number", name), *_first_problems(list(wrong.values()), _SHOWN - 1)]
        )
    return MetricsFile(values=values, left_out=tuple(unusable), unusable=unusable, wrong=wrong)


def _first_problems(faults: list[ValueFault], most: int = _SHOWN) -> list[Problem]:
    """Return the problems of the first faults, and how many more there are."""
    more = [Problem(f"and {len(faults) - most} more", faults[0].name)] if len(faults) > most else []
    return [*(fault.problem() for fault in faults[:most]), *more]


def _leaves(tree: Mapping[Any, Any], above: tuple[str, ...], name: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value with its names; an alias counts each time it is repeated, so the count stays bounded."""
    if len(above) >= DEEPEST:
        raise InputError(Problem(f"nested more than {DEEPEST} deep", name))
    for key, entry in tree.items():
        here = (
            (*above, _key(key, name)) if key != "" else above
        )  # `dvc metrics show --json` has a revision without name
        value = _as_mapping(entry)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, here if key != "log_history" else above, name)
        elif not here:
            raise InputError(Problem("a name of a metric is text of 1 to 200 characters, not ''", name))
        else:
            yield here, value


def _as_mapping(value: object) -> object:
    """Return the names and numbers of a list that other tools write; the last entry of a name is used."""
    if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
        return value
    if all(isinstance(entry.get("key"), str) and "value" in entry for entry in value):
        return {entry["key"]: entry["value"] for entry in value}
    if all("step" in entry for entry in value):  # the log of Hugging Face's Trainer
        return {name: number for entry in value for name, number in entry.items() if name not in {"step", "epoch"}}
    return value


def _key(key: object, name: str) -> str:
    if isinstance(key, bool) or not isinstance(key, str | int | float) or not 0 < len(str(key)) <= 200:
        raise InputError(Problem(f"a name of a metric is text of 1 to 200 characters, not {_short(repr(key))}", name))
    return str(key)


def _describe_wrong(value: object) -> str:
    """Return what is wrong with a value that should have been a metric; empty if nothing is."""
    if isinstance(value, bool):
        return f"is {str(value).lower()}, not a number; write 1 or 0 if it is meant as a metric"
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return f"is the text “{_short(value)}”, not a number; write it without quotation marks"
    if isinstance(value, _Overflow):
        return _too_large(value.written)
    if isinstance(value, int | float):
        try:
            return "" if math.isfinite(value) else _not_finite(value)
        except OverflowError:
            return _too_large(f"{Decimal(value):.3g}")
    return ""


def _kind(value: object) -> str:
    """Return the description of a value that is not meant as a number."""
    if value is None:
        return "is null: the metric has no value; let the script write a number, or remove the gate"
    if isinstance(value, str):
        return f"is the text “{_short(value)}”, not a number"
    if isinstance(value, list):
        return "is a list; a gate needs one number, such as the list's last or mean"
    return f"is {_short(str(value))}, not a number"


def _too_large(written: str) -> str:
    return f"is {_short(written)}, larger than the largest double (1.8e308); check its unit, or write its logarithm"


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "is NaN, not a number: mostly 0/0, or training that diverged; an undefined metric can't be judged"
    return f"is {value}, not a number: mostly a division by 0, or training that diverged; it can't be judged"


def _line_of(text: str, key: str, *, last: bool = False) -> int | None:
    """Return the line of a name; ``None`` if several lines have it."""
    pattern = re.compile(rf"""(?:^|[\s,{{\[.])["']?{re.escape(key)}["']?\s*[:=\].]""")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return lines[-1] if lines and (last or len(lines) == 1) else None


def _short(text: str) -> str:
    """Return text from the file, cut and without control characters."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text[:80])
    return shown + "…" if len(text) > 80 else shown
