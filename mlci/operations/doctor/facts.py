"""Facts about a setup: everything that checks read, collected before any of them runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlci.config.loader import CheckedConfig
from mlci.config.models import Baseline
from mlci.errors import Problem
from mlci.metrics.statistics import Statistics
from mlci.operations.doctor.commands import MissingName
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob
from mlci.operations.setup.environments import EnvironmentState


@dataclass(frozen=True, kw_only=True)
class EvaluationFacts:
    """The evaluation set as it lies on this machine.

    Attributes:
        path: As the configuration names it.
        shown: From the top of the repository.
        present: Whether the file, or a file that matches, exists; also true for an address, which is not read.
        pointer: Tool whose pointer stands in for the data; ``None`` for data.
        lfs: Whether Git LFS stores it.
        tracked, ignored: What git does with it.
        problems: Errors that a run would report about it.
        statistics: Labels counted in the whole set and in each group; empty if it was not read.
        closed: Whether its labels are sealed, and the key is not here.
    """

    path: str
    shown: str
    present: bool
    pointer: Literal["lfs", "dvc"] | None = None
    lfs: bool = False
    tracked: bool = False
    ignored: bool = False
    problems: tuple[Problem, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class UntrainedFile:
    """A file of predictions or metrics that git tracks and no training command makes.

    Attributes:
        path: As the configuration names it.
        script: Script that seems to train the model, from the configuration's folder.
        command: Command that runs the script there.
    """

    path: str
    script: str
    command: str


@dataclass(frozen=True, kw_only=True)
class BaselineFacts:
    """The baseline.

    Attributes:
        unresolved: Why the reference has no commit here; ``None`` if it has one, or if the baseline is another.
        missing_file: Whether the file does not exist.
        empty: Whether the registry was read and has no version.
        refused: Problems that keep every run from using the registry.
        unread: Why the registry could not be read from here.
    """

    unresolved: str | None = None
    missing_file: bool = False
    empty: bool = False
    refused: tuple[Problem, ...] = ()
    unread: str | None = None


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """Python and packages, of this machine and of lock files.

    Attributes:
        python: Version of the `python` on the path; ``None`` without one.
        installed: Versions of its packages by normalised name.
        locks: Names of the lock files beside the configuration.
        pins: Exact versions by normalised name that the lock files agree on.
        requires_python: Requirement on Python, with the file that has it; ``None`` without one.
    """

    python: str | None = None
    installed: Mapping[str, str] = field(default_factory=dict)
    locks: tuple[str, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    requires_python: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class RequiredCheck:
    """A status check that a branch requires.

    Attributes:
        name: Its name.
        app: Number of the App that has to report it; ``None`` accepts any.
        source: The ruleset, or the branch protection.
    """

    name: str
    app: int | None
    source: str


@dataclass(frozen=True, kw_only=True)
class RepositoryFacts:
    """The repository on GitHub.

    Attributes:
        name: ``owner/name``.
        branch: Default branch.
        required: Checks that it requires.
        queue: Whether it has a merge queue.
        environments: Environments that jobs of mlci name, as far as they exist.
        rules_read: Whether the required checks were read in full.
        unread: Parts that the token could not read, with GitHub's reason.
    """

    name: str
    branch: str
    required: tuple[RequiredCheck, ...] = ()
    queue: bool = False
    environments: tuple[EnvironmentState, ...] = ()
    rules_read: bool = True
    unread: tuple[str, ...] = ()

    def as_document(self) -> Mapping[str, object]:
        """Return the facts for JSON."""
        required = [{"name": one.name, "app": one.app, "source": one.source} for one in self.required]
        return {
            "name": self.name,
            "default_branch": self.branch,
            "merge_queue": self.queue,
            "required_checks": required,
            "environments": [
                {
                    "name": one.name,
                    "branches": None if one.patterns is None else list(one.patterns),
                    "reviewers": list(one.reviewers),
                }
                for one in self.environments
            ],
            "unread": list(self.unread),
        }


@dataclass(frozen=True, kw_only=True)
class SetupFacts:
    """Everything that checks read.

    Attributes:
        config_path: The configuration, from the top of the repository.
        folder: Its folder, from the top; empty for the top itself.
        loaded: The configuration; ``None`` if it has errors.
        problems: Its errors.
        model: The model's name, also of a configuration that has errors.
        models: Name of the model of each configuration of the repository, by the configuration's path.
        workflows: Workflow files.
        files: Files of the repository that git does not ignore.
        in_git: Whether it is a git checkout.
        hosted: Whether it is on GitHub: a remote there, or workflow files.
        out_ignored: Whether git ignores ``.mlci/`` beside the configuration.
        out_tracked: Files below ``.mlci/`` that git tracks.
        untrained: The file that is judged, if it is tracked and a script seems to train; else ``None``.
        missing_names: Files and programs that its commands name and that do not exist.
        evaluation, baseline, environment: What the configuration names, as it is here.
        repository: The repository on GitHub; ``None`` without a token.
        pins: Commit and version of actions by name, for lines to paste.
    """

    config_path: str
    folder: str = ""
    loaded: CheckedConfig | None = None
    problems: tuple[Problem, ...] = ()
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    workflows: tuple[WorkflowFile, ...] = ()
    files: frozenset[str] = frozenset()
    in_git: bool = True
    hosted: bool = True
    out_ignored: bool = True
    out_tracked: tuple[str, ...] = ()
    untrained: UntrainedFile | None = None
    missing_names: tuple[MissingName, ...] = ()
    evaluation: EvaluationFacts | None = None
    baseline: BaselineFacts = BaselineFacts()
    environment: EnvironmentFacts = EnvironmentFacts()
    repository: RepositoryFacts | None = None
    pins: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def mlci_workflows(self) -> tuple[WorkflowFile, ...]:
        """Workflow files that use mlci."""
        return tuple(one for one in self.workflows if one.uses_mlci)

    @property
    def gates(self) -> tuple[WorkflowFile, ...]:
        """Workflow files that evaluate pull requests."""
        return tuple(one for one in self.workflows if one.is_gate)

    @property
    def evaluating_jobs(self) -> tuple[WorkflowJob, ...]:
        """Jobs that train or predict."""
        return tuple(job for workflow in self.workflows for job in workflow.jobs if job.evaluates)

    @property
    def ref(self) -> str | None:
        """Reference that the baseline is made from; ``None`` for another kind."""
        chosen = self.loaded.config.baseline if self.loaded else None
        return chosen.ref if isinstance(chosen, Baseline) else None

    @property
    def trains(self) -> bool:
        """Whether the configuration trains."""
        return self.loaded is not None and self.loaded.config.train is not None

    def pinned(self, name: str) -> str:
        """Return a `uses:` value for an action: pinned if its commit is known, else with a placeholder."""
        sha, version = self.pins.get(name, ("<commit>", "<version>"))
        return f"{name}@{sha} # {version}"
