"""Identity of a training run, from facts of the API: which commit, which pull request, which artifact."""

from dataclasses import replace

import pytest

from mlci.sealed.artifact import UntrustedArtifactError
from mlci.sealed.identity import (
    RefusedHead,
    SupersededHead,
    UnverifiedRun,
    VerifiedHead,
    check_run,
    choose_artifact,
    identify_head,
)
from mlci.util.bounds import ARTIFACT_BYTES
from tests.support.sealed_facts import ARTIFACT, HEAD, HOME, OTHER, PULL, RUN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repository": "ada/model"}, "belongs to ada/model"),
        ({"path": ".github/workflows/evil.yml"}, "is of '.github/workflows/evil.yml'"),
        ({"path": "x/.github/workflows/mlci-train.yml"}, "not of"),
        ({"event": "push"}, "started by `push`"),
        ({"event": "pull_request_target"}, "started by `pull_request_target`"),
        ({"event": "workflow_dispatch"}, "started by"),
        ({"head_repository": None}, "no longer exists"),
    ],
)
def test_check_run__refused(change, message):
    assert check_run(RUN, HOME) is None
    found = check_run(replace(RUN, **change), HOME)
    assert isinstance(found, UnverifiedRun)
    assert message in found.why


def test_identify_head__pull_request():
    found = identify_head(RUN, [replace(PULL, number=1, head_sha=OTHER, head_repository="eve/model"), PULL], HOME)
    assert (found.head, found.pull, found.branch) == (HEAD, 3, None)
    own = replace(RUN, head_repository="octo-org/model")
    found = identify_head(own, [replace(PULL, head_repository="octo-org/model")], HOME)
    assert found.branch == "topic"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"head_sha": OTHER}, SupersededHead),
        ({"base_branch": "weak"}, RefusedHead),
        ({"base_branch": "weak", "head_sha": OTHER}, UnverifiedRun),
        ({"base_repository": "ada/model"}, UnverifiedRun),
        ({"head_repository": "ada/other"}, UnverifiedRun),
        ({"head_repository": None}, UnverifiedRun),
        ({"head_branch": "main"}, UnverifiedRun),
    ],
)
def test_identify_head__other_pull_request(change, kind):
    found = identify_head(RUN, [replace(PULL, **change)], HOME)
    assert isinstance(found, kind)
    if kind is SupersededHead:
        assert (found.head.head, found.head.pull, found.current) == (HEAD, None, OTHER)
    if kind is RefusedHead:
        assert "'weak'" in found.why


def test_identify_head__two_bases():
    assert isinstance(identify_head(RUN, [replace(PULL, base_branch="weak", number=2), PULL], HOME), VerifiedHead)


@pytest.mark.parametrize(
    ("branch", "repository", "kind"),
    [
        ("gh-readonly-queue/main/pr-3-abc", "octo-org/model", VerifiedHead),
        ("gh-readonly-queue/weak/pr-3-abc", "octo-org/model", UnverifiedRun),
        ("gh-readonly-queue/main", "octo-org/model", UnverifiedRun),
        ("main", "octo-org/model", UnverifiedRun),
        ("gh-readonly-queue/main/pr-3-abc", "ada/model", UnverifiedRun),
    ],
)
def test_identify_head__merge_group(branch, repository, kind):
    run = replace(RUN, event="merge_group", head_branch=branch, head_repository=repository)
    found = identify_head(run, [PULL], HOME)
    assert isinstance(found, kind)
    assert kind is UnverifiedRun or found.pull is None


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([], "uploaded no artifact"),
        ([replace(ARTIFACT, name="mlci-sealed-other")], "uploaded no artifact"),
        ([replace(ARTIFACT, run=8)], "uploaded no artifact"),
        ([replace(ARTIFACT, head_sha=OTHER)], "uploaded no artifact"),
        ([replace(ARTIFACT, created="2026-05-01T09:59:59Z")], "earlier attempt than 1"),
        ([replace(ARTIFACT, created="9999")], "earlier attempt"),
        ([ARTIFACT, replace(ARTIFACT, id=10)], "uploaded 2 artifacts"),
        ([replace(ARTIFACT, expired=True)], "has expired"),
        ([replace(ARTIFACT, size=ARTIFACT_BYTES.value + 1)], "are the most"),
        ([replace(ARTIFACT, digest=None)], "no SHA-256"),
        ([replace(ARTIFACT, digest="sha256:x")], "no SHA-256"),
    ],
)
def test_choose_artifact__refused(listed, message):
    with pytest.raises(UntrustedArtifactError, match=message):
        choose_artifact(listed, RUN, "mlci-sealed-m")


def test_choose_artifact__of_the_latest_attempt():
    earlier = replace(ARTIFACT, id=8, created="2026-05-01T09:00:00Z")
    assert choose_artifact([earlier, ARTIFACT], RUN, "mlci-sealed-m") == ARTIFACT
    with pytest.raises(UntrustedArtifactError, match="does not say when"):
        choose_artifact([ARTIFACT], replace(RUN, started=""), "mlci-sealed-m")
