import pytest
import requests

from tests.github.fake import Fake
from tests.github.seeding import commit, git_run


@pytest.fixture
def fake(tmp_path):
    """GitHub with one repository and one branch to open a pull request from; fails on a broken contract."""
    with Fake(tmp_path / "model.git") as made:
        yield made


@pytest.fixture
def client(fake):
    """Requests to the API with a token, a workflow's of the usual permissions unless another is given."""
    return Client(fake)


class Client:
    """A thin client, so that a test sees status, headers and body as they are."""

    def __init__(self, fake, token=None):
        self.fake = fake
        self.token = fake.token() if token is None else token
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method, path, body=None, *, token=None, headers=None, **options):
        held = self.token if token is None else token
        told = {"User-Agent": "tests", **({"Authorization": f"Bearer {held}"} if held else {}), **(headers or {})}
        address = path if path.startswith("http") else f"{self.fake.url}/repos/{self.fake.name}{path}"
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self.session.request(method, address, headers=told, timeout=10, **sent, **options)


@pytest.fixture
def push(tmp_path):
    """Commits files onto a branch of a bare repository, as somebody's `git push` does; returns the commit."""

    def pushed(bare, branch, files, message="change"):

        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        git_run(tmp_path, "clone", "--quiet", "--branch", branch, str(bare), str(work))
        sha = commit(work, files, message)
        git_run(work, "push", "--quiet", "origin", branch)
        return sha

    return pushed
