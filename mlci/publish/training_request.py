"""Request for training on a pull request: a label, or another attempt of the run. Pure.

Source: GitHub's documentation, "Webhook events and payloads", *pull_request*. A person needs the role `triage` to set a
label, and `write` to run a workflow again; `/mlci run` starts another attempt as well.
"""

from mlci.publish.event import Object, payload_part, payload_text

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


def is_training_requested(event: str | None, payload: Object, *, attempt: int, label: str) -> bool:
    """Check if a run may train, if training has to be asked for.

    Only runs of pull requests wait for a request: a push, a merge group, a schedule and a machine train. A payload that
    is not GitHub's asks for nothing.

    Args:
        event: ``GITHUB_EVENT_NAME``; ``None`` outside of a workflow.
        payload: The event's payload.
        attempt: ``GITHUB_RUN_ATTEMPT``; a later one was started by a person or by a command.
        label: The label that asks, compared without regard to case, as GitHub does.
    """
    if event not in PULL_REQUEST_EVENTS or attempt > 1:
        return True
    return label.casefold() in {name.casefold() for name in label_names(payload)}


def label_names(payload: Object) -> tuple[str, ...]:
    """Return the labels of the event's pull request."""
    listed = (payload_part(payload, "pull_request") or {}).get("labels")
    found = [payload_text(one, "name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(name for name in found if name is not None)
