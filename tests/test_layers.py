"""The directions in which packages may import each other, and what starting up may cost."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.imports import imported, statements

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mlci"

MAY_IMPORT = {
    "errors": set(),
    "util": {"errors"},
    "metrics": {"errors"},
    "inference": {"errors", "util", "metrics"},
    "gates": {"errors", "metrics", "inference"},
    "planning": {"errors", "metrics", "inference", "gates"},
    "monitor": {"errors", "util", "metrics", "inference", "gates"},
    "report": {"errors", "util", "metrics", "gates.limits", "monitor", "experiment", "planning"},
    "publish": {"errors", "util", "metrics", "report"},
    "commands": {"errors", "util", "gates", "report", "publish"},
    "sealed": {"errors", "util", "metrics", "report", "config"},
    "github": {"errors", "util", "publish", "report", "sealed", "events"},
    "config": {"errors", "util", "metrics", "gates.limits"},
    "events": {"errors", "util", "execution.sanitize"},
    "telemetry": {"errors", "util", "events"},
    "engine": {"errors", "util", "metrics", "lineage"},
    "execution": {"errors", "util", "metrics", "events", "cost.energy"},
    "git": {"errors", "util"},
    "registry": {"errors", "util", "github", "events"},
    "lineage": {"errors"},
    "governance": {
        "errors",
        "lineage.lock_files",
        "util",
        "metrics",
        "report",
        "config.lifecycle",
        "registry.entries",
        "registry.entry_kinds",
        "registry.manifest",
    },
    "deploy": {"errors", "util", "config", "report"},
    "kubernetes": {"errors"},
    "cost": {"errors"},
    "experiment": {"errors", "util", "metrics", "inference", "gates.limits"},
    "recovery": {"errors"},
    "scores": {"errors", "util"},
    "demo": set(),
    "operations": {
        "errors",
        "util",
        "events",
        "metrics",
        "inference",
        "gates",
        "report",
        "config",
        "engine",
        "execution",
        "git",
        "registry",
        "publish",
        "commands",
        "github",
        "lineage",
        "sealed",
        "governance",
        "deploy",
        "cost",
        "experiment",
        "monitor",
        "planning",
        "recovery",
        "scores",
    },
    "cli": {"*"},
    "api": {"*"},
    "pytest_plugin": {"*"},
    "__main__": {"cli"},
    "__init__": {"api"},
}
PURE = {
    "commands",
    "cost",
    "deploy",
    "events",
    "experiment",
    "gates",
    "governance",
    "inference",
    "lineage",
    "metrics",
    "monitor",
    "planning",
    "publish",
    "recovery",
    "report",
    "sealed",
}
EFFECTS = {
    "os",
    "time",
    "datetime",
    "socket",
    "subprocess",
    "random",
    "tempfile",
    "shutil",
    "urllib",
    "requests",
    "github",
}
# urllib.parse quotes addresses, and opens none; events read times that they were given
ALLOWED_EFFECTS = {
    ("events", "datetime"),
    ("events", "urllib"),
    ("governance", "urllib"),
    ("publish", "urllib"),
    ("report", "urllib"),
    ("telemetry", "opentelemetry"),
}
OWN_LIBRARIES = {("telemetry", "opentelemetry")}  # packages that the command line imports only if they are wanted
HEAVY = {
    "codecarbon",
    "fairlearn",
    "github",
    "lightkube",
    "opentelemetry",
    "pandas",
    "pandera",
    "pyarrow",
    "pyspark",
    "scipy",
    "sklearn",
    "skops",
    "tenacity",
}


@cache
def imports(path: Path) -> tuple[list[str], list[str]]:
    """Return the absolute names that a file imports outside of functions and classes, and all of them."""
    tree = ast.parse(path.read_text("utf-8"))
    return list(imported(tree.body)), list(imported(statements(tree.body)))


def offences(root: Path):
    """Every import that goes against the layers, as lines."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        layer = parts[0].removesuffix(".py")
        top_level, anywhere = imports(path)
        for name in anywhere:
            words = name.split(".")
            if words[0] == "mlci" and len(words) > 1 and words[1] not in {layer, "__version__"}:
                allowed = MAY_IMPORT[layer]
                if not allowed & {"*", words[1], ".".join(words[1:3])}:
                    yield f"{path.relative_to(root)} imports mlci.{words[1]}"
            if layer in PURE and words[0] in EFFECTS and (layer, words[0]) not in ALLOWED_EFFECTS:
                yield f"{path.relative_to(root)} is pure and imports {words[0]}"
            if words[0] == "github" and layer != "github":
                yield f"{path.relative_to(root)} imports PyGithub"
        if layer not in {"cli", "pytest_plugin", "__main__"} and "os.environ" in path.read_text("utf-8"):
            yield f"{path.relative_to(root)} reads the environment"
        for name in top_level:
            if name.split(".")[0] in HEAVY and (layer, name.split(".")[0]) not in OWN_LIBRARIES:
                yield f"{path.relative_to(root)} imports {name} when it is loaded"


def test_layers__package():
    assert list(offences(PACKAGE)) == []


@pytest.mark.parametrize(
    ("where", "line", "found"),
    [
        ("gates/bad.py", "from mlci.report.document import Report", "gates/bad.py imports mlci.report"),
        ("report/bad.py", "from mlci.gates.judge import judge_rules", "report/bad.py imports mlci.gates"),
        ("metrics/bad.py", "import mlci.inference.estimators.ratios", "metrics/bad.py imports mlci.inference"),
        ("inference/bad.py", "import time", "inference/bad.py is pure and imports time"),
        ("report/bad.py", "def f():\n    from datetime import datetime", "report/bad.py is pure and imports datetime"),
        ("operations/bad.py", "from github import Github", "operations/bad.py imports PyGithub"),
        ("engine/bad.py", "import os\nx = os.environ['HOME']", "engine/bad.py reads the environment"),
        ("execution/bad.py", "import pandas as pd", "execution/bad.py imports pandas when it is loaded"),
        ("publish/bad.py", "import time", "publish/bad.py is pure and imports time"),
        ("publish/bad.py", "import mlci.github.client", "publish/bad.py imports mlci.github"),
        ("github/bad.py", "import github", "github/bad.py imports github when it is loaded"),
        ("github/bad.py", "from mlci.config.loader import load_unchecked", "github/bad.py imports mlci.config"),
    ],
)
def test_layers__planted_import(tmp_path, where, line, found):
    path = tmp_path / where
    path.parent.mkdir()
    path.write_text(line, "utf-8")
    assert found in list(offences(tmp_path))


def circle(root: Path) -> list[str]:
    """Modules that import each other while they are loaded, in a circle, so that it depends on who comes first."""
    names = {".".join((root.name, *path.relative_to(root).with_suffix("").parts)): path for path in root.rglob("*.py")}
    needs = {}
    for name, path in names.items():
        found = {
            ".".join(full.split(".")[:-end] if end else full.split(".")) for full in imports(path)[0] for end in (0, 1)
        }
        needs[name] = sorted(found & set(names) - {name})
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (follow(other, (*way, name)) for other in needs[name])), [])
        done.add(name)
        return found

    return next(filter(None, (follow(name, ()) for name in sorted(names))), [])


def test_import_cycles__package():
    assert circle(PACKAGE) == []


def test_import_cycles__planted(tmp_path):
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.py").write_text(f"from {tmp_path.name}.{other} import x\n", "utf-8")
    here = tmp_path.name
    assert circle(tmp_path) == [f"{here}.a", f"{here}.b", f"{here}.c", f"{here}.a"]


def loaded_by(*arguments: str) -> set[str]:
    code = (
        f"import sys, mlci.cli.main\ntry: mlci.cli.main.main({list(arguments)!r})\n"
        "except SystemExit: pass\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_imports__help_loads_nothing_heavy():
    assert not loaded_by("--help") & (HEAVY | {"numpy", "duckdb", "pydantic", "jinja2", "ruamel", "tabulate"})


def test_imports__catalogue_loads_no_engine():
    assert not loaded_by("metrics", "recall") & (HEAVY | {"duckdb", "pydantic"})


def test_imports__ledger_loads_no_engine():
    assert not loaded_by("ledger", "--help") & (HEAVY | {"numpy", "duckdb"})


def test_imports__gate_run_loads_no_data_frames(tmp_path):
    (tmp_path / "d.csv").write_text("k,y,p,b\n" + "".join(f"{i},{i % 2},{i % 2},{i % 2}\n" for i in range(60)), "utf-8")
    (tmp_path / "mlci.yml").write_text(
        "model: m\ntask: binary\nevaluation: {data: d.csv, key: k, label: y}\npredict: {file: d.csv, decision: p}\n"
        "baseline: {file: d.csv, decision: b}\ngates: [{metric: accuracy, max_drop: 0.1}]\n",
        "utf-8",
    )
    arguments = ["run", "--config", str(tmp_path / "mlci.yml"), "--out", str(tmp_path)]
    code = (
        f"import sys, mlci.cli.main\ntry: mlci.cli.main.main({arguments!r})\n"
        "except SystemExit as end: print(end.code)\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-2] == "0", done.stdout + done.stderr
    assert not {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()} & HEAVY
