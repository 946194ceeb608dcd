import shutil

import pytest

from tests.github import seeding
from tests.github.fake import Fake
from tests.registry.repository.place import Place


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A bare repository, made once."""
    folder = tmp_path_factory.mktemp("seeded") / "model.git"
    seeding.repository(folder)
    return folder


@pytest.fixture
def fresh(seeded, tmp_path_factory):
    """Make places: each a GitHub of its own, that fails on a broken contract."""
    opened = []

    def make(**facts):
        folder = tmp_path_factory.mktemp("place")
        shutil.copytree(seeded, folder / "model.git")
        opened.append(Fake(folder / "model.git", **facts).start())
        return Place(opened[-1], folder)

    yield make
    for fake in opened:
        fake.stop()
    for fake in opened:
        fake.verify()


@pytest.fixture
def place(fresh):
    return fresh()
