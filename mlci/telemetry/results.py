"""Results of a command as the semantic conventions for CI/CD name them, from exit codes."""

_ERRORS = {
    1: "gate_blocks",
    2: "input",
    3: "step_failed",
    4: "outside",
    6: "could_not_tell",
    70: "bug",
    130: "stopped",
    141: "reader_gone",
}
_ERRORS_OF_COMMANDS = {("monitor", 1): "alarm", ("experiment", 1): "roll_back"}
_RESULTS = {0: "success", 1: "failure", 2: "failure", 3: "failure", 5: "success", 6: "failure", 130: "cancellation"}
"""Exit code 5 is an experiment that keeps going, which is not a failure."""


def result_word(code: int) -> str:
    """Return ``cicd.pipeline.result``; ``error`` if neither the change nor its author is the cause."""
    return _RESULTS.get(code, "error")


def error_type(command: str, code: int) -> str | None:
    """Return ``error.type``; ``None`` for a successful command."""
    if result_word(code) == "success":
        return None
    return _ERRORS_OF_COMMANDS.get((command, code)) or _ERRORS.get(code, f"exit_code_{code}")
