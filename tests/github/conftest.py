import pytest

from tests.fake_github.fake import Fake
from tests.fake_github.seeding import commit, git_run
from tests.github.client import Client


@pytest.fixture
def fake(tmp_path):
    """GitHub with one repository and one branch to open a pull request from; fails on a broken contract."""
    with Fake(tmp_path / "model.git") as made:
        yield made


@pytest.fixture
def client(fake):
    """Requests to the API with a token, a workflow's of the usual permissions unless another is given."""
    return Client(fake)


@pytest.fixture
def push(tmp_path):
    """Commit files onto a branch of a bare repository, as a user's `git push` does; return the commit."""

    def pushed(bare, branch, files, message="change"):

        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        git_run(tmp_path, "clone", "--quiet", "--branch", branch, str(bare), str(work))
        sha = commit(work, files, message)
        git_run(work, "push", "--quiet", "origin", branch)
        return sha

    return pushed
