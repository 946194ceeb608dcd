"""The page on publishing against the code."""

import re
from pathlib import Path
from typing import get_args

import pytest

from mlci.cli.commands.publish import command
from mlci.github.transport import MOST_BYTES, Access
from mlci.publish.comment_choice import Policy
from mlci.publish.event import _READERS
from mlci.publish.permissions import Permission, permission_advice
from mlci.report.comment import with_marker
from mlci.util.retry_policy import RetryPolicy

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "publishing.md").read_text("utf-8")
PERMISSIONS = (REFERENCE / "permissions.md").read_text("utf-8")


def test_page__permissions():
    block = re.search(r"```yaml\n(permissions:.*?)```", PERMISSIONS, re.DOTALL)[1]
    others = {"contents", "administration", "actions", "issues"}  # of a registry, `mlci setup`, sealed mode, monitoring
    publishing = set(get_args(Permission)) - others
    assert set(re.findall(r"^  ([a-z-]+): write", block, re.MULTILINE)) == publishing
    for permission in get_args(Permission):
        assert f"    permissions:\n      {permission}: write" in permission_advice(
            permission, "Resource not accessible by integration"
        )


@pytest.mark.parametrize("name", [*get_args(Policy), *_READERS])
def test_page__policies_and_events(name):
    assert f"`{name}`" in PAGE


def test_page__options():
    options = {option for one in command.params for option in one.opts if option.startswith("--")}
    assert [option for option in options - {"--config"} if option not in PAGE] == []


def test_page__numbers():
    patience = RetryPolicy()
    assert patience.attempts == 5
    assert [RetryPolicy(spread=lambda: 0.5).backoff(n) for n in range(4)] == [1, 2, 4, 8]
    assert f"{patience.total:.0f} seconds in all" in PAGE
    assert f"{MOST_BYTES >> 20} MiB and take {2 * Access(url='', token='', agent='').seconds:.0f} seconds" in PAGE


def test_page__marker():
    marker = re.search(r"```markdown\n(<!-- .*? -->)\n", PAGE)[1]
    assert marker.replace("…", "") == with_marker(model="credit-risk", head="3f9c2ab", run="1842.1")
