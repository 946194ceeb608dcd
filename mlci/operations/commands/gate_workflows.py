"""Workflows of the default branch that judge in sealed mode: found among the files of the checkout."""

from dataclasses import dataclass
from pathlib import Path

from mlci.util.bounds import CONFIG_BYTES
from mlci.util.safe_files import read_bounded

_FOLDER = Path(".github/workflows")
_STEPS = ("actions/sealed-gate@", "mlci sealed gate", "workflows/sealed-gate.yml@")


@dataclass(frozen=True, kw_only=True)
class GateWorkflows:
    """Workflows that judge in sealed mode.

    Attributes:
        paths: Their paths, relative to the repository; a run of one of them on `workflow_run` is believed.
        sealed: Whether the default branch has one, so that no run of a pull request's own workflow judges.
    """

    paths: frozenset[str]
    sealed: bool


def find_gate_workflows(folder: Path, named: str) -> GateWorkflows:
    """Return the workflow that was named, and each of the checkout that judges in sealed mode."""
    root = next((one for one in (folder.absolute(), *folder.absolute().parents) if (one / _FOLDER).is_dir()), None)
    files = [] if root is None else sorted((root / _FOLDER).glob("*.y*ml"))
    found = {f"{_FOLDER}/{path.name}" for path in files if _judges(path)}
    return GateWorkflows(paths=frozenset({*found, named}), sealed=bool(found))


def _judges(path: Path) -> bool:
    text = read_bounded(path, CONFIG_BYTES.value).decode("utf-8", "replace")
    return "workflow_run" in text and any(step in text for step in _STEPS)
