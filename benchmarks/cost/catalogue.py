"""The subjects: each one's command line, the sizes that it is run for and how often."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUBJECTS = Path(__file__).with_name("subjects")
PEERS = ROOT / ".venv-bench" / "bin" / "python"
OURS = ("counts-one", "all-one", "counts-joined", "all-joined")
BOOTSTRAPS = ("scikit-learn", "scipy", "fairlearn")
FLOOR = "arrow"
"""The reference of ratios: the six columns decoded into memory, as a Python user has them."""
BOUNDS = ("arrow", "arrow_dictionary", "duckdb")
"""The floor, and two ways to do less than that; shown, not judged."""


@dataclass(frozen=True)
class Subject:
    """One program.

    Attributes:
        name: What figures are kept under.
        shown: What the table calls it.
        argv: Its command line, given the folder of the data.
        times: How often it is run; three where it is short.
        most: Largest number of rows that it is run with.
    """

    name: str
    shown: str
    argv: Callable[[Path], list[str]]
    times: int = 3
    most: int = 10_000_000


@dataclass(frozen=True)
class Bootstrap:
    """A peer whose 1,000 replicates are extrapolated from two runs with few.

    Attributes:
        name: What figures are kept under.
        shown: What the table calls it.
        script: File in ``subjects``.
        counts: The two numbers of replicates; where rows are few and noise is large against the work, ``more``.
        share: How many such runs the whole job is.
        most: Largest number of rows that it is run with.
    """

    name: str
    shown: str
    script: str
    counts: tuple[int, int] = (1, 3)
    more: tuple[int, int] = (1, 5)
    share: int = 1
    most: int = 1_000_000

    def replicates(self, rows: int) -> tuple[int, int]:
        """Return the two numbers of replicates for so many rows."""
        return self.counts if rows >= self.most else self.more

    def argv(self, folder: Path, replicates: int) -> list[str]:
        """Return its command line."""
        return [str(PEERS), str(SUBJECTS / self.script), str(folder), str(replicates)]


def _own(script: str, *arguments: str, file: str = "") -> Callable[[Path], list[str]]:
    return lambda folder: [sys.executable, str(SUBJECTS / script), str(folder / file), *arguments]


def _peer(script: str) -> Callable[[Path], list[str]]:
    return lambda folder: [str(PEERS), str(SUBJECTS / script), str(folder)]


def _mlci(command: str, name: str) -> Callable[[Path], list[str]]:
    def argv(folder: Path) -> list[str]:
        out = folder / "out" / f"{command}-{name}"
        return [sys.executable, "-m", "mlci", command, "--config", str(folder / f"{name}.yml"), "--out", str(out)]

    return argv


COLD = (
    Subject(
        "duckdb",
        "less than the floor: DuckDB touches every value, keeps none",
        _own("floor_duckdb.py", file="one.parquet"),
    ),
    Subject("arrow", "floor: pyarrow reads the six columns", _own("floor_arrow.py", file="one.parquet")),
    Subject(
        "arrow_dictionary",
        "less than the floor: the same, texts left as codes",
        _own("floor_arrow.py", "dictionary", file="one.parquet"),
    ),
    Subject("counts-one", "`mlci run`: counts, one file", _mlci("run", "counts-one")),
    Subject("all-one", "`mlci run`: everything, one file", _mlci("run", "all-one")),
    Subject("evaluate", "`mlci evaluate`: everything, one file", _mlci("evaluate", "all-one")),
    Subject("join", "floor: bare DuckDB join of three files", _own("join_duckdb.py")),
    Subject("counts-joined", "`mlci run`: counts, three files by key", _mlci("run", "counts-joined")),
    Subject("all-joined", "`mlci run`: everything, three files by key", _mlci("run", "all-joined")),
)
POINTS = (
    Subject("evidently", "Evidently, points, no slices", _peer("point_evidently.py"), times=1, most=1_000_000),
    Subject("mlflow", "MLflow, points, no slices, no AUC", _peer("point_mlflow.py"), times=1, most=1_000_000),
)
RESAMPLED = (
    Bootstrap("scikit-learn", "scikit-learn in a loop, 1,000 replicates", "boot_sklearn.py"),
    Bootstrap("scipy", "`scipy.stats.bootstrap`, 1,000 replicates", "boot_scipy.py", counts=(2, 4), more=(2, 6)),
    Bootstrap(
        "fairlearn", "fairlearn `MetricFrame`, `n_boot=1000`", "boot_fairlearn.py", counts=(1, 2), more=(1, 3), share=6
    ),
)
WARM = ("duckdb", "arrow", "arrow_dictionary", "counts-one", "all-one", "join", "counts-joined", "all-joined")


def warm(folder: Path, turns: int, names: tuple[str, ...]) -> list[str]:
    """Return the command line that measures stages in one warm process."""
    return [sys.executable, str(SUBJECTS / "warm.py"), str(folder), str(turns), *names]
