import shutil

import pytest

from tests.fake_github import seeding
from tests.fake_github.fake import Fake
from tests.support.sealed_scene import Scene, default_branch


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A bare repository, and a checkout of its default branch with a champion in the registry; built once."""
    folder = tmp_path_factory.mktemp("sealed")
    seeding.repository(folder / "model.git")
    seeding.store_merge(folder / "model.git")
    default_branch(folder / "main")
    return folder


@pytest.fixture
def scene(seeded, tmp_path):
    """GitHub with a pull request of a fork, and a job that gates; fails on a broken contract."""
    shutil.copytree(seeded / "model.git", tmp_path / "model.git")
    shutil.copytree(seeded / "main", tmp_path / "main")
    with Fake(tmp_path / "model.git") as github:
        yield Scene(github, tmp_path / "main")
