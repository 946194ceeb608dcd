import shutil

import pytest

from tests.fake_github import seeding
from tests.fake_github.fake import Fake


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A bare repository, built once."""
    folder = tmp_path_factory.mktemp("seeded") / "model.git"
    seeding.repository(folder)
    return seeding.store_merge(folder)


@pytest.fixture
def fake(seeded, tmp_path):
    """GitHub over a copy of it; fails on a broken contract."""
    shutil.copytree(seeded, tmp_path / "model.git")
    with Fake(tmp_path / "model.git") as github:
        yield github
