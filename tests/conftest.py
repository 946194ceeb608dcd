"""Settings of the whole suite."""

import atexit
import gc
import importlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that a red test is red for everyone; `--hypothesis-profile=search` looks further.
settings.register_profile("suite", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("suite")

# Collections were a tenth of the suite's CPU time; most test objects need none, because reference counts free them.
gc.set_threshold(200_000, 20, 100)
atexit.register(gc.unfreeze)  # DuckDB's binding reports what is still frozen when the interpreter ends as leaks

# A runner's own variables would tell the suite which commit it is about and where to write; tests set what they need.
KEPT = {"MLCI_GOLDEN", "MLCI_KUBE_APISERVER", "MLCI_ETCD", "MLCI_KSERVE_CRD"}  # settings of the tests themselves
for name in [name for name in os.environ if name.startswith(("GITHUB_", "RUNNER_", "MLCI_"))]:
    if name not in KEPT:
        del os.environ[name]

HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, on Linux: thousands of small folders, no disk
ROOM = 4_000_000_000


def pytest_configure(config):
    """Put temporary files into memory, unless the machine has little, or the tests of whole workflows need more."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir() or any("e2e" in name for name in config.args):
        return
    found = os.statvfs(MEMORY)
    if found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_collection(session):
    """Import this worker's share of the test files first, so that of a fresh clone's files each is compiled once."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    index, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    names = sorted(path.relative_to(HERE.parent) for path in HERE.rglob("test_*.py") if "e2e" not in path.parts)
    for path in names[index::count]:
        with suppress(Exception, pytest.skip.Exception):  # collection imports it again, and reports it
            importlib.import_module(".".join(path.with_suffix("").parts))


def pytest_collection_finish():
    """Freeze what was imported: garbage collection then walks the objects of the tests only."""
    gc.freeze()
