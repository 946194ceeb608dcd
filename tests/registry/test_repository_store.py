"""A registry in the repository itself: the contract, by GitHub's description, read by real git."""

import shutil

import pytest

from tests.github import seeding
from tests.github.fake import Fake
from tests.registry.contract import Contract
from tests.registry.repository import WHO, Place


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeded") / "model.git"
    seeding.repository(folder)
    return folder


@pytest.fixture
def place(seeded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(seeded, folder / "model.git")
    with Fake(folder / "model.git") as fake:
        yield Place(fake, folder)


@pytest.fixture
def store_factory(place):
    return place.store


class TestContract(Contract):
    racers = 6
    rounds = 2
    writers = 20

    @pytest.fixture(autouse=True)
    def _place(self, place):
        self.place = place

    def damage_witness(self, store, data):  # noqa: ARG002 - there is one model
        git = self.place.git
        tree = git(
            "mktree", text=f"100644 blob {git('hash-object', '-w', '--stdin', text=data.decode())}\twitness.json\n"
        )
        git("update-ref", "refs/mlci/witness/model", git(*WHO, "commit-tree", tree, "-m", "by hand"))
