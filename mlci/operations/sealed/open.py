"""``mlci sealed open``: check and status of a head become pending when its training run is requested."""

from mlci.operations.sealed.gate import SealedGate, SealedOutcome, find_head, find_sealed_target, open_target
from mlci.operations.sealed.training_end import TRAINING, AwaitedRun, training_end
from mlci.sealed.identity import UnverifiedRun, VerifiedHead


def open_training(gate: SealedGate, number: int) -> SealedOutcome:
    """Open the check of a training run's head; the gate concludes it.

    Args:
        gate: The gate.
        number: The run's number, the only part of the event that is used.

    Raises:
        OutsideError: if GitHub failed before the commit was known.
    """
    _, head = find_head(gate, number)
    if isinstance(head, UnverifiedRun):
        return SealedOutcome(code=0, why=head.why)
    if not isinstance(head, VerifiedHead):
        return SealedOutcome(code=0, why="the gate concludes this run when it has ended")
    end = training_end(head.run)
    if head.run.status == "completed" and not isinstance(end, AwaitedRun):
        return SealedOutcome(code=0, why=f"run {number} has ended already; the gate concludes it")
    waits = end.text if isinstance(end, AwaitedRun) else TRAINING
    return open_target(gate, find_sealed_target(gate, head), waits)
