"""Proposal of `mlci init`: answers with their reasons, the parts of the configuration, and changed files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlci.operations.init.margins import ProposedGate
from mlci.operations.init.scripts.addition import Task

OnRamp = Literal["script", "predictions", "model", "metrics", "logs"]


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """Answers that the user gave by options; ``None`` leaves a question to the proposal."""

    model: str | None = None
    task: Task | None = None
    data: str | None = None
    label: str | None = None
    positive: str | None = None
    key: str | None = None
    slices: tuple[str, ...] | None = None
    train: str | None = None
    script: str | None = None
    predictions: str | None = None
    score: str | None = None
    decision: str | None = None
    metrics: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetupAnswer:
    """Answer to one question: its value, the reason, and the option that changes it."""

    question: str
    value: str
    reason: str
    option: str


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A file before and after; ``before`` is ``None`` for a new file."""

    path: str
    before: str | None
    after: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ConfigurationParts:
    """What the configuration file is written from.

    Attributes:
        model, task: Name and kind of the model.
        data, key, label, positive: The evaluation set; without ``data`` for a metrics file.
        slices: Slice columns.
        train: Training command; ``None`` without one.
        artifact: File of the model that training writes.
        predict: Entries of ``predict``.
        evaluation: Entries of ``evaluation`` as YAML, for evaluation logs.
        gates: The gates.
    """

    model: str
    task: Task | Literal["scores"]
    data: str | None = None
    key: str | None = None
    label: str | None = None
    positive: str | None = None
    slices: tuple[str, ...] = ()
    train: str | None = None
    artifact: str | None = None
    predict: Mapping[str, str] = field(default_factory=dict)
    evaluation: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[ProposedGate, ...] = ()

    @property
    def rows_task(self) -> Task:
        """The task of a model that predicts for rows."""
        if self.task == "scores":
            raise AssertionError("evaluation logs have no rows")
        return self.task


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What an on-ramp proposes.

    Attributes:
        on_ramp: How predictions or metrics reach mlci.
        parts: What the configuration is written from.
        answers: Answers with their reasons.
        made: Files that runs write, which git should ignore.
        script: Change to the training script, if one is needed.
        created: New files beside the configuration, such as ``predict.py``.
        notes: Lines about what was assumed.
    """

    on_ramp: OnRamp
    parts: ConfigurationParts
    answers: tuple[SetupAnswer, ...]
    made: tuple[str, ...] = ()
    script: FileChange | None = None
    created: tuple[FileChange, ...] = ()
    notes: tuple[str, ...] = ()


class SetupAnswers:
    """Collector of answers: a given value wins over a proposed one."""

    def __init__(self) -> None:
        """Start without answers."""
        self.found: list[SetupAnswer] = []

    def take(self, question: str, given: str | None, proposed: tuple[str, str] | None) -> str | None:
        """Note the given answer, or the proposed one with its reason, and return it."""
        option = f"--{question.replace(' ', '-')}"
        if given is not None:
            self.found.append(SetupAnswer(question=question, value=given, reason=f"given by {option}", option=option))
            return given
        if proposed is not None:
            value, reason = proposed
            self.found.append(SetupAnswer(question=question, value=value, reason=reason, option=option))
            return value
        return None

    def gates(self, gates: Iterable[ProposedGate]) -> None:
        """Note the gates with the reasons for their margins."""
        for gate in gates:
            where = f" each {gate.each}" if gate.each else ""
            value = f"{gate.metric}{where} {gate.limit} {gate.value}"
            self.found.append(SetupAnswer(question="gate", value=value, reason=gate.reason, option="gates in mlci.yml"))
