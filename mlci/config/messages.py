"""Messages for pydantic's validation errors, in the words of ``mlci.yml``."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pydantic_core import ErrorDetails

from mlci.config.base import ConfigModel, fields
from mlci.config.engine import EngineSection, SparkSection
from mlci.config.lifecycle.cost import COUNTRY, Cost
from mlci.config.lifecycle.deploy import Deploy, KServe, PlainDeployment
from mlci.config.lifecycle.experiment import Experiment, ExperimentMetric
from mlci.config.lifecycle.governance import Card
from mlci.config.lifecycle.grader import Grader
from mlci.config.lifecycle.monitor import DriftThresholds, Monitor, Mute
from mlci.config.lifecycle.recovery import Retention
from mlci.config.lifecycle.reuse import Reuse
from mlci.config.models import (
    Baseline,
    BehaviourTests,
    Config,
    Evaluation,
    Gate,
    GatePolicy,
    Policy,
    Predict,
    Reported,
    ReportSection,
    Train,
)
from mlci.config.slices import SliceColumnConfig, SliceSearchConfig
from mlci.config.types import Path, clip_text, dotted
from mlci.errors import yaml_value

SECTIONS: dict[Path, type[ConfigModel]] = {
    (): Config,
    ("evaluation",): Evaluation,
    ("evaluation", "slices"): SliceColumnConfig,
    ("evaluation", "slice_search"): SliceSearchConfig,
    ("evaluation", "metrics"): Reported,
    ("engine",): EngineSection,
    ("engine", "spark"): SparkSection,
    ("train",): Train,
    ("predict",): Predict,
    ("baseline",): Baseline,
    ("gates",): Gate,
    ("gates", "policy"): GatePolicy,
    ("tests",): BehaviourTests,
    ("monitor",): Monitor,
    ("monitor", "thresholds"): DriftThresholds,
    ("monitor", "mute"): Mute,
    ("report",): ReportSection,
    ("grader",): Grader,
    ("reuse",): Reuse,
    ("card",): Card,
    ("deploy",): Deploy,
    ("deploy", "kserve"): KServe,
    ("deploy", "deployment"): PlainDeployment,
    ("retention",): Retention,
    ("cost",): Cost,
    ("policy",): Policy,
    ("experiment",): Experiment,
    ("experiment", "metric"): ExperimentMetric,
    ("experiment", "guardrails"): ExperimentMetric,
}
_FILES = (".csv", ".tsv", ".parquet", ".jsonl", ".json", ".gz", ".yaml", ".yml", ".toml")
MEANT = {
    "target": "label",
    "labels": "label",
    "threshold": "min",
    "minimum": "min",
    "maximum": "max",
    "id": "key",
    "command": "run",
    "name": "metric",
    "by": "each",
    "bins": "cut",
    "min_gain": "superior_by",
    "min_improvement": "superior_by",
}


def error_path(loc: Iterable[str | int]) -> Path:
    """Return the path of a pydantic error without the tags of unions."""
    return tuple(part for part in loc if isinstance(part, int) or not part.startswith("="))


def section_name(path: Path) -> type[ConfigModel] | None:
    """Return the model of the mapping at ``path``; ``None`` if no mapping belongs."""
    return SECTIONS.get(tuple(part for part in path if isinstance(part, str)))


def unknown_key(key: str, path: Path, allowed: Iterable[str]) -> str:
    """Return the message for an unknown key, with the key that was probably meant."""
    where = f" in `{dotted(path)}`" if path else ""
    allowed = list(allowed)
    if ":" in key and key.partition(":")[0] in allowed:
        return f"unknown key `{clip_text(key)}`{where}; put a space after the `:`"
    guess = MEANT[key] if MEANT.get(key) in allowed else nearest_word(key, allowed)
    if guess:
        return f"unknown key `{clip_text(key)}`{where}; did you mean `{guess}`?"
    home = next((home for home, model in SECTIONS.items() if key in fields(model)), None)
    if home is not None:
        there = f"it belongs in `{dotted(home)}`" if home else "it belongs at the top level"
        return f"unknown key `{clip_text(key)}`{where}; {there}"
    return f"unknown key `{clip_text(key)}`{where}; known keys: {', '.join(allowed)}"


def nearest_word(word: str, words: Iterable[str]) -> str | None:
    """Return the known word that is closest to a misspelt one."""
    return _nearest(word[:100], tuple(words))


@lru_cache(maxsize=4_096)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    close = difflib.get_close_matches(word, words, n=3, cutoff=0.6)
    swapped = [known for known in close if sorted(known) == sorted(word)]  # letters in another order
    return next(iter(swapped or close), None)


def is_reportable(error: ErrorDetails) -> bool:
    """Return whether an error adds to the other problems.

    Unknown keys are found in the data itself; a list whose entries were refused is not too short.
    """
    if error["type"] == "too_short":
        return len(error["input"]) < int(error["ctx"]["min_length"])
    return error["type"] != "extra_forbidden"


def describe_error(error: ErrorDetails) -> str:
    """Return one line for one pydantic error."""
    path = error_path(error["loc"])
    here = f"`{dotted(path)}`" if path else "the file"
    if path[-1:] == ("[key]",):
        here = f"a name in `{dotted(path[:-2])}`"
    if error["type"] == "missing":
        return missing_key(path) if path else f"{here} is missing"
    return f"{here} {_describe_fault(error)}"


def missing_key(path: Path) -> str:
    """Return the message for a key that has to be there."""
    return f"`{dotted(path)}` is missing{_example(path)}"


def _example(path: Path) -> str:
    """Return the description of a missing key."""
    owner = section_name(path[:-1])
    info = fields(owner).get(str(path[-1])) if owner else None
    text = ((info.description or "") if info else "").rstrip(".")
    # "CSV, …" keeps its capitals.
    return f": {text[0] if text[1:2].isupper() else text[0].lower()}{text[1:]}" if text else ""


def _describe_fault(error: ErrorDetails) -> str:  # noqa: PLR0911 - one return for each kind of fault reads best
    kind, ctx, given = error["type"], error.get("ctx", {}), show_value(error["input"])
    if kind.startswith("mlci_"):
        return error["msg"] if kind in _JOINT else f"{error['msg']}, not {given}"
    if kind in _PLAIN:
        return f"{_PLAIN[kind]}, not {given}{_as_list(error)}"
    if kind in _BOUNDS:
        comparison, key = _BOUNDS[kind]
        return f"must be {comparison} {ctx[key]:.15g}, not {given}"
    if kind == "literal_error":
        return "".join(_choice(_allowed_words(error), error["input"]))
    if kind == "string_type":
        return f"must be text, not {given}{_as_text(error)}"
    if kind == "string_too_short" or (kind == "string_pattern_mismatch" and ctx.get("pattern") == r"\S"):
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return _describe_pattern(ctx.get("pattern"), given, str(error["input"]))
    if kind == "string_too_long":
        return f"is too long; at most {ctx['max_length']:,} characters"
    if kind in {"too_long", "too_short"}:
        return _describe_length(error)
    return f"can't be {given}"


def _describe_pattern(pattern: object, given: str, text: str) -> str:
    if pattern == COUNTRY:
        return f"must be three capital letters (ISO 3166-1), such as `DEU`, not {given}"
    message = "must be letters, digits, `.`, `_` and `-`, at most 100, beginning with a letter or digit"
    return f"{message}, not {given}{_as_name(text)}"


_JOINT = {"mlci_rule", "mlci_cut", "mlci_secret"}  # about several values, or about a value that must not be shown
_PLAIN = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping with keys",
    "model_attributes_type": "must be a mapping with keys",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def show_value(value: object) -> str:
    """Return a value as the file writes it, on one line and not too long."""
    if isinstance(value, dict | ConfigModel):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, str):
        return f"`{clip_text(value)}`" if value.strip() else "empty text"
    return f"`{value:.15g}`" if isinstance(value, float) else f"`{clip_text(json.dumps(value))}`"


def _describe_length(error: ErrorDetails) -> str:
    """Return the message for too few or too many entries, with the remedy for more classes than may have columns."""
    if error["type"] == "too_short":
        least = int(error["ctx"]["min_length"])
        return f"must list at least {'one entry' if least == 1 else f'{least} entries'}"
    classes = error_path(error["loc"])[-1:] == ("probabilities",)
    instead = "; name the column with the predicted class in `decision` instead" if classes else ""
    return f"may have at most {error['ctx']['max_length']:,} entries, not {len(error['input']):,}{instead}"


def _as_list(error: ErrorDetails) -> str:
    """Return the remedy for a single entry in place of a list."""
    if error["type"] != "tuple_type":
        return ""
    if isinstance(error["input"], dict):
        return "; begin each entry with `- `"
    return f"; write `[{yaml_value(error['input'])}]`" if isinstance(error["input"], str) else ""


def _as_text(error: ErrorDetails) -> str:
    """Return the remedy for a value that is not text: quotes, or one column made of several."""
    value = error["input"]
    if isinstance(value, bool):
        return f"; write it in quotes: '{str(value).lower()}'"
    if _is_number(value):
        return f"; write it in quotes: '{value}'"
    if error_path(error["loc"]) == ("evaluation", "key") and isinstance(value, list | tuple):
        columns = json.dumps([str(item) for item in value], ensure_ascii=False)
        line = f'df["key"] = df[{columns}].astype(str).agg("-".join, axis=1)'
        return f"; make one column of several, `{line}`, in both files, and write `key: key`"
    return ""


def _as_name(text: str) -> str:
    """Return the remedy for a name with other characters than a model's may have; empty if nothing is left of it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:100].strip("-._")
    return f"; write `{plain}`" if plain else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _allowed_words(error: ErrorDetails) -> list[str]:
    """Return the allowed words of a choice; pydantic lists them in quotes."""
    words = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    return [*words, "{ref: …}", "{file: …}"] if error_path(error["loc"]) == ("baseline",) else words


def _choice(allowed: list[str], given: object) -> Iterator[str]:
    """Yield the parts of the message for a word that is not allowed."""
    yield f"must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {show_value(given)}"
    guess = nearest_word(given, allowed) if isinstance(given, str) else None
    if guess:
        yield f"; did you mean `{guess}`?"
    elif isinstance(given, str) and "{ref: …}" in allowed and given.strip():
        key = "file" if given.lower().endswith(_FILES) else "ref"
        yield f"; write `baseline: {{{key}: {yaml_value(given)}}}`"


def join_words(path: Path, value: Any) -> str | None:  # noqa: ANN401 - any YAML value
    """Return what is wrong with the combination of keys in one mapping, whatever their values."""
    owner = section_name(path)
    message = owner.rule(value.keys()) if owner and isinstance(value, dict) else None
    return f"`{dotted(path)}` {message}" if message else None
