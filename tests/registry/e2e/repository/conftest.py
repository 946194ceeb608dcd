import shutil

import pytest

from tests.github import seeding
from tests.github.fake import Fake
from tests.registry.e2e.repository.place import Place


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A bare repository, made once."""
    folder = tmp_path_factory.mktemp("seeded") / "model.git"
    seeding.repository(folder)
    return folder


@pytest.fixture(scope="session")
def ledgers(seeded, tmp_path_factory):
    """Bare repositories with so many entries in the ledger, each made once."""
    made = {0: seeded}

    def of(count):
        if count not in made:
            folder = tmp_path_factory.mktemp(f"ledger-{count}")
            shutil.copytree(seeded, folder / "model.git")
            with Fake(folder / "model.git") as fake:
                Place(fake, folder).filled(count)
            made[count] = folder / "model.git"
        return made[count]

    return of


@pytest.fixture
def fresh(ledgers, tmp_path_factory):
    """Make places: each a GitHub of its own, that fails on a broken contract."""
    opened = []

    def make(entries=0, **facts):
        folder = tmp_path_factory.mktemp("place")
        shutil.copytree(ledgers(entries), folder / "model.git")
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
