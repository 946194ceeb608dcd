"""Install mlci from the checkout that this file is in; run by install.sh, with the standard library only.

The environment is in the runner's temporary folder, which is empty at the start of a job, under a digest of its inputs:
later steps of a job find it there and only add missing packages.
"""

import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # isolated mode leaves it out

import environment
from command import FailedError, complaint, run, variable, write_outputs
from get_uv import find_uv

SETS = ("run", "github", "metrics", "remote", "objects", "mlflow", "deploy", "telemetry", "schema", "energy")
FLAGS = {"publish": "github", "bundle": "", "open": "", "record": "", "take-alias": "", "fail": "", "apply": ""}
"""Inputs that are `true` or `false` as text, and the set that `true` needs. Any other word is an error."""
_COLLECTOR = re.compile(r"OTEL_EXPORTER_OTLP_((TRACES|METRICS)_)?ENDPOINT=.+|OTEL_(TRACES|METRICS)_EXPORTER=otlp")
WORDS = {"none": ""} | {name: name for name in ("auto", *SETS)}


class Watch:
    """Seconds that each part took."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._parts: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Add the time since the last call to a part."""
        now = time.monotonic()
        self._parts[part] = self._parts.get(part, 0) + now - self._last
        self._last = now

    def text(self) -> str:
        """Return the sum and its parts."""
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self._parts.items())
        return f"{self._last - self._start:.1f} s ({parts})"


def main(wanted: list[str]) -> int:
    """Install the requested sets, write the step's outputs, and print the time.

    Returns:
        The exit code: 2 for an unknown word, 4 if the network or the machine failed.
    """
    try:
        sets = chosen(wanted)
    except FailedError as error:
        print(complaint("mlci: an input is wrong", error))
        return 2
    try:
        place, watch = install(sets)
        write_outputs({"mlci": (place / "mlci").as_posix()})
    except FailedError as error:
        print(complaint("mlci could not be installed", error))
        return 4
    print(f"mlci with {', '.join(name for name in SETS if environment.has(place, name))} is ready in {watch.text()}")
    return 0


def install(sets: list[str]) -> tuple[Path, Watch]:
    """Make the environment with the given sets; ``auto`` adds the sets that the configuration needs."""
    watch = Watch()
    place = Path(variable("RUNNER_TEMP")).resolve() / "mlci" / environment.digest()
    uv = find_uv(place.parent)
    watch.lap("uv")
    environment.make(place, uv)
    watch.lap("environment")
    environment.add(place, [name for name in [*sets, *collector_sets(os.environ)] if name != "auto"], uv)
    watch.lap("packages")
    if "auto" in sets:
        more = asked_for(place, os.environ.get("MLCI_CONFIG") or "mlci.yml")
        watch.lap("configuration")
        environment.add(place, more, uv)
        watch.lap("packages")
    return place, watch


def collector_sets(variables: Mapping[str, str]) -> list[str]:
    """Return the set that sends telemetry, if a variable names an OpenTelemetry collector."""
    return ["telemetry"] * any(_COLLECTOR.fullmatch(f"{name}={value}") for name, value in variables.items())


def chosen(wanted: Iterable[str]) -> list[str]:
    """Return the sets that words name, always with the gate's own requirements.

    Raises:
        FailedError: if a word names no set.
    """
    words = [word for word in re.split(r"[,\s]+", ",".join(wanted)) if word]
    for word in words:
        name, is_flag, value = word.partition("=")
        if is_flag and name in FLAGS:
            if value not in {"true", "false"}:
                raise FailedError(f"{name}: {value!r} is unknown; write 'true' or 'false'")
        elif word not in WORDS:
            raise FailedError(
                f"extras: {word!r} is unknown; write auto, none, metrics, remote, github, objects, mlflow, deploy, "
                "telemetry, schema, energy"
            )
    named = [WORDS[word] if word in WORDS else _flagged(word) for word in words]
    return list(dict.fromkeys(["run", *filter(None, named)]))


def _flagged(word: str) -> str:
    """Return the set that a `true` input needs."""
    name, _, value = word.partition("=")
    return FLAGS[name] if value == "true" else ""


def asked_for(place: Path, config: str) -> list[str]:
    """Return the sets that a configuration needs; none for an unreadable one, whose errors the run reports."""
    module = ("-I", "-X", "utf8", "-m", "mlci.cli.extras")
    return [
        name for name in run(environment.interpreter(place), *module, Path(config).absolute()).split() if name in SETS
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
