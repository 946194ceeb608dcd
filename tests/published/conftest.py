import json
from pathlib import Path

import pytest

from tests.support import project

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    """Finds a file of the published data sets, which live beside the project and not in it."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"the published data set {name} is not beside this checkout (expected at ../shared/data)")
        return path

    return find


@pytest.fixture
def mlci(tmp_path):
    """Run the command line in an empty folder with a configuration; return the exit code and the report."""

    def run(config: str, *arguments: str, command: str = "run"):
        (tmp_path / "mlci.yml").write_text(config, "utf-8")
        done = project.mlci(command, "--out", "out", *arguments, cwd=tmp_path)
        path = tmp_path / "out" / "report.json"
        assert path.exists(), done.out + done.err
        return done.code, json.loads(path.read_text("utf-8"))

    return run
