import json

import pytest

from tests.support.production import copy_project, promote_scored, week_end, write_log
from tests.support.project import mlci


@pytest.fixture(scope="session")
def promoted(tmp_path_factory):
    return promote_scored(tmp_path_factory.mktemp("promoted"))


@pytest.fixture
def monitored(promoted, tmp_path):
    """Monitor some weeks in a copy of the promoted project; return exit code and document."""
    folder = copy_project(promoted, tmp_path / "project")

    def run(weeks, *arguments, now=None, columns="id x region score p at", **environment):
        write_log(folder, weeks, columns=columns)
        end = now or week_end(len(weeks))
        done = mlci("monitor", "--json", "--now", end, *arguments, cwd=folder, **environment)
        return done.code, done.err if done.code in {2, 4} else json.loads(done.out)

    run.folder = folder
    return run
