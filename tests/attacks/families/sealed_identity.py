"""Identity in sealed mode: a training run that is not about the pull request that it says."""

from dataclasses import replace
from functools import partial

from mlci.errors import InputError
from mlci.sealed.facts import RunArtifact
from mlci.sealed.identity import (
    TRAIN_WORKFLOW,
    VerifiedHead,
    check_run,
    choose_artifact,
    identify_head,
)
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support import sealed_facts as facts
from tests.support.sealed_facts import ARTIFACT, HOME, OTHER, PULL

RUN = replace(facts.RUN, attempt=2)


def _identify(scene: Scene, *, run: dict[str, object] | None = None, pull: dict[str, object] | None = None) -> None:
    """The run or the pull request is another one than they seem."""
    given, pulls = replace(RUN, **(run or {})), [replace(PULL, **(pull or {}))]

    def identify() -> None:
        found = check_run(given, HOME) or identify_head(given, pulls, HOME)
        if not isinstance(found, VerifiedHead):
            raise InputError(str(getattr(found, "why", "the pull request has moved on")))

    scene.call(identify)


def _artifact(scene: Scene, *others: RunArtifact, **change: object) -> None:
    scene.call(choose_artifact, [replace(ARTIFACT, **change), *others], RUN, "mlci-sealed-m")


ATTACKS = (
    Attack("run of another workflow", "workflow of a run", partial(_identify, run={"path": ".github/workflows/evil.yml"}), "not of"),
    Attack("run of a workflow with the same name elsewhere", "workflow of a run", partial(_identify, run={"path": f"x/{TRAIN_WORKFLOW}"}), "not of"),
    Attack("run in another repository", "workflow of a run", partial(_identify, run={"repository": "fork/model"}), "belongs to"),
    Attack("run that a push started", "workflow of a run", partial(_identify, run={"event": "push"}), "was started by"),
    Attack("run with a token for forks", "workflow of a run", partial(_identify, run={"event": "pull_request_target"}), "was started by"),
    Attack("run of a deleted fork", "workflow of a run", partial(_identify, run={"head_repository": None}), "no longer exists"),
    Attack("commit of another pull request", "pull request of a run", partial(_identify, pull={"head_repository": "victim/model"}), "no open pull request"),
    Attack("branch of another pull request", "pull request of a run", partial(_identify, pull={"head_branch": "release"}), "no open pull request"),
    Attack("pull request of another repository", "pull request of a run", partial(_identify, pull={"base_repository": "evil/model"}), "no open pull request"),
    Attack("stale head in sealed mode", "head of a run", partial(_identify, pull={"head_sha": OTHER}), "moved on"),
    Attack("branch with weaker limits", "base of a run", partial(_identify, pull={"base_branch": "weaker"}), "the limits are those of"),
    Attack("merge group of a fork", "merge group of a run", partial(_identify, run={"event": "merge_group", "head_branch": "gh-readonly-queue/main/pr-3"}), "merge group"),
    Attack("merge group into another branch", "merge group of a run", partial(_identify, run={"event": "merge_group", "head_repository": HOME.name, "head_branch": "gh-readonly-queue/weaker/pr-3"}), "merge group"),
    Attack("artifact of another run", "artifact of a run", partial(_artifact, run=8), "uploaded no artifact"),
    Attack("artifact of another commit", "artifact of a run", partial(_artifact, head_sha=OTHER), "uploaded no artifact"),
    Attack("artifact of an earlier attempt", "artifact of a run", partial(_artifact, created="2026-05-01T09:00:00Z"), "earlier attempt"),
    Attack("artifact that another job replaced", "artifact of a run", lambda scene: _artifact(scene, replace(ARTIFACT, id=2)), "2 artifacts"),
    Attack("artifact without a digest", "artifact of a run", partial(_artifact, digest=None), "no SHA-256"),
    Attack("artifact that expired", "artifact of a run", partial(_artifact, expired=True), "has expired"),
    Attack("artifact of 65 MiB", "artifact of a run", partial(_artifact, size=65 << 20), "are the most"),
)  # fmt: skip
