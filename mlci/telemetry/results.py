"""Results of a run as the semantic conventions for CI/CD name them, from exit codes."""

_ERRORS = {1: "gate_blocks", 2: "input", 3: "step_failed", 4: "outside", 70: "bug", 130: "stopped", 141: "reader_gone"}
_RESULTS = {0: "success", 1: "failure", 2: "failure", 3: "failure", 130: "cancellation"}


def result_word(code: int) -> str:
    """Return ``cicd.pipeline.result``; ``error`` if neither the change nor its author is the cause."""
    return _RESULTS.get(code, "error")


def error_type(code: int) -> str | None:
    """Return ``error.type``; ``None`` for a run that passed."""
    return None if code == 0 else _ERRORS.get(code, f"exit_code_{code}")
