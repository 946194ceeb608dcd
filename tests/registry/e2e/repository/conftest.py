import shutil

import pytest

from tests.fake_github import seeding
from tests.fake_github.fake import Fake
from tests.registry.e2e.repository.place import Place


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A bare repository, built once."""
    folder = tmp_path_factory.mktemp("seeded") / "model.git"
    seeding.repository(folder)
    return folder


@pytest.fixture(scope="session")
def ledgers(seeded, tmp_path_factory):
    """Bare repositories by the number of their ledger's entries, each built once."""
    built = {0: seeded}

    def of(count):
        if count not in built:
            folder = tmp_path_factory.mktemp(f"ledger-{count}")
            shutil.copytree(seeded, folder / "model.git")
            with Fake(folder / "model.git") as fake:
                Place(fake, folder).filled(count)
            built[count] = folder / "model.git"
        return built[count]

    return of


@pytest.fixture
def fresh(ledgers, tmp_path_factory):
    """Build registries, each on a separate fake GitHub that fails on a broken contract."""
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
