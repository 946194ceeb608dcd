"""Wiring of the approval that a promotion requires: GitHub's API with the tokens of this process."""

from collections.abc import Mapping
from functools import partial

from mlci.cli.events.current import github_access, github_patience
from mlci.cli.github_actions import read_members_token, read_workflow
from mlci.config.loader import CheckedConfig
from mlci.errors import InputError
from mlci.governance.approvals import ApprovalCheck, ApprovalRefused, BuildCommit
from mlci.registry.entry_kinds import ApprovalRecord


def approval_check(loaded: CheckedConfig, environment: Mapping[str, str], *, here: str | None) -> ApprovalCheck | None:
    """Return the check that the configuration requires; ``None`` if it requires none.

    Args:
        loaded: The configuration.
        environment: Variables of this process.
        here: Commit of the checkout in which the promotion runs.
    """
    required = loaded.config.require_approval
    return None if required is None else partial(_ask_github, loaded, environment, required, here)


def _ask_github(
    loaded: CheckedConfig,
    environment: Mapping[str, str],
    required: tuple[str, ...],
    here: str | None,
    build: BuildCommit,
) -> ApprovalRecord | ApprovalRefused:
    """Ask GitHub for the approval; it is imported only now.

    Raises:
        InputError: if the repository or the token is not known.
    """
    from mlci.github.collaboration import Collaboration  # noqa: PLC0415 - only a promotion with an approval needs it
    from mlci.github.reviews import Reviews  # noqa: PLC0415 - the same
    from mlci.github.transport import transport  # noqa: PLC0415 - the same
    from mlci.operations.governance.approval import require_approval  # noqa: PLC0415 - the same

    workflow = read_workflow(environment)
    if workflow.wrong is not None:
        raise workflow.wrong
    if workflow.repository is None or workflow.token is None:
        words = (
            "`require_approval` needs a repository and a token, to read the reviews of the pull request. In a "
            "workflow, add to the step `env: MLCI_TOKEN: ${{ github.token }}`; on a machine, `export "
            "GITHUB_REPOSITORY=owner/name GITHUB_TOKEN=$(gh auth token)`"
        )
        raise InputError(loaded.problem(words, "require_approval"))
    send, patience = transport(github_access(workflow.api, workflow.token)), github_patience()
    members = read_members_token(environment)
    as_members = send if members is None else transport(github_access(workflow.api, members))
    collaboration = Collaboration(send, repository=workflow.repository, patience=patience)
    reviews = Reviews(send, as_members, repository=workflow.repository, patience=patience)
    return require_approval(build, required, collaboration, reviews, here=here)
