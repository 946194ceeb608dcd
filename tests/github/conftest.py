import pytest

from tests.github.fake import Fake


@pytest.fixture
def fake(tmp_path):
    """GitHub with one repository and one branch to open a pull request from; fails on a broken contract."""
    with Fake(tmp_path / "model.git") as made:
        yield made
