"""Conclusions of a training run: only a success has predictions to judge."""

from dataclasses import replace

import pytest

from mlci.operations.sealed.training_end import AwaitedRun, training_end
from mlci.publish.result import Unfinished
from mlci.sealed.identity import UnverifiedRun
from tests.support.sealed_facts import RUN

BAD = ["failure", "startup_failure", "skipped", "neutral", "stale", "", None, "success ", "SUCCESS", "::set-output"]


@pytest.mark.parametrize("conclusion", BAD)
def test_training_end__without_success(conclusion):
    found = training_end(replace(RUN, conclusion=conclusion))
    assert isinstance(found, Unfinished)
    assert (found.code, found.cancelled) == (3, False)


@pytest.mark.parametrize("conclusion", ["cancelled", "timed_out"])
def test_training_end__cancelled(conclusion):
    found = training_end(replace(RUN, conclusion=conclusion))
    assert isinstance(found, Unfinished)
    assert found.cancelled


@pytest.mark.parametrize("status", ["queued", "in_progress", "requested", "waiting", "pending"])
def test_training_end__not_yet(status):
    assert isinstance(training_end(replace(RUN, status=status)), UnverifiedRun)


def test_training_end__approval_and_success():
    assert isinstance(training_end(replace(RUN, conclusion="action_required")), AwaitedRun)
    assert isinstance(training_end(replace(RUN, status="action_required", conclusion=None)), AwaitedRun)
    assert training_end(RUN) is None
