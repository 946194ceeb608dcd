"""Requests for training: labels of the event's pull request, and later attempts of a run."""

import pytest

from mlci.publish.training_request import is_training_requested


def pull(*names, **more):
    return {"pull_request": {"labels": [{"name": name} for name in names]}, **more}


@pytest.mark.parametrize(
    ("event", "payload", "attempt", "requested"),
    [
        ("pull_request", pull(), 1, False),
        ("pull_request", pull("bug"), 1, False),
        ("pull_request", pull("bug", "mlci:train"), 1, True),
        ("pull_request", pull("MLCI:Train"), 1, True),
        ("pull_request", pull("mlci:train-later"), 1, False),
        ("pull_request_target", pull(), 1, False),
        ("pull_request", pull(), 2, True),
        ("pull_request", pull(label={"name": "mlci:train"}), 1, False),  # taken off again since
        ("pull_request", {}, 1, False),
        ("pull_request", {"pull_request": {"labels": "mlci:train"}}, 1, False),
        ("pull_request", {"pull_request": {"labels": ["mlci:train", None, {"name": 7}]}}, 1, False),
        ("push", {}, 1, True),
        ("merge_group", {}, 1, True),
        ("schedule", {}, 1, True),
        (None, {}, 1, True),
    ],
)
def test_is_training_requested__event_and_labels(event, payload, attempt, requested):
    assert is_training_requested(event, payload, attempt=attempt, label="mlci:train") is requested
