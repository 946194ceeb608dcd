"""Identity of a run: the id that joins comment, check, ledger entry and spans.

In a workflow it is ``RUN.ATTEMPT`` (``1842.1``), which the comment's marker, the check's external id and the address in
a ledger entry contain. All commands of an attempt share one trace, and its id is the one that the GitHub receiver of
the OpenTelemetry Collector gives to the same attempt, so that mlci's spans appear beside those of the workflow.

Source: opentelemetry-collector-contrib, ``receiver/githubreceiver``: the first 32 digits of SHA-256 of run, attempt and
``t``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlci.util.digests import sha256_of


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """Identity of a run.

    Attributes:
        id: ``RUN.ATTEMPT`` in a workflow, else a random number in hexadecimal digits.
        trace: Trace id, 32 hexadecimal digits.
        url: Address of the workflow run.
        repository: Address of the repository.
        commit: Commit of the workflow run.
    """

    id: str
    trace: str
    url: str | None = None
    repository: str | None = None
    commit: str | None = None


def read_identity(environment: Mapping[str, str], random_hex: Callable[[], str]) -> RunIdentity:
    """Return the identity by GitHub's variables; outside of a workflow, ``random_hex`` gives 32 random digits."""
    run, attempt = environment.get("GITHUB_RUN_ID", ""), environment.get("GITHUB_RUN_ATTEMPT") or "1"
    if not (_is_number(run) and _is_number(attempt)):
        trace = random_hex()
        return RunIdentity(id=trace, trace=trace)
    server, name = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    repository = f"{server}/{name}" if server and name else None
    return RunIdentity(
        id=f"{run}.{attempt}",
        trace=sha256_of(f"{run}{attempt}t".encode())[:32],
        url=f"{repository}/actions/runs/{run}" if repository else None,
        repository=repository,
        commit=environment.get("MLCI_HEAD_SHA") or environment.get("GITHUB_SHA") or None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
