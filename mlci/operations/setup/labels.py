"""Labels as code: those that a configuration or a workflow of mlci reads have to exist before a user can set them.

A label whose name begins with `mlci:` belongs to mlci: it gets mlci's colour and description. Any other label that is
read is the team's: it is created if it is missing, and stays as it is if it exists. Labels that nothing of mlci reads
are never touched.

Source: https://docs.github.com/rest/issues/labels
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mlci.config.models import Config
from mlci.github.rest import Form, RepositoryClient, form_reader

PREFIX = "mlci:"
COLOUR = "5319e7"
_LONGEST = 100  # characters of a description


class _Label(Form):
    name: str
    color: str
    description: str | None = None


@dataclass(frozen=True)
class LabelUse:
    """A label that mlci reads, with its description."""

    name: str
    description: str


def labels_in_use(configs: Iterable[Config], workflows: Mapping[str, tuple[str, ...]]) -> tuple[LabelUse, ...]:
    """Return the labels that configurations ask for training by, and those that workflows read, each once.

    Args:
        configs: Configurations of the models.
        workflows: Names of labels with the workflow files that read them.
    """
    asked = [config.train.label for config in configs if config.train and config.train.when == "asked"]
    uses = [LabelUse(name, "Asks mlci to train the model of a pull request") for name in asked]
    uses += [LabelUse(name, f"Read by {', '.join(files)}") for name, files in workflows.items()]
    return tuple({use.name.lower(): use for use in reversed(uses)}.values())[::-1]


@dataclass(frozen=True, kw_only=True)
class LabelPlan:
    """The difference between a label and what it has to be.

    Attributes:
        name: Its name, as the repository has it.
        exists: Whether the repository has it.
        body: Colour and description as they have to be.
        changes: What has to change, in words.
    """

    name: str
    exists: bool
    body: Mapping[str, str]
    changes: tuple[str, ...]

    def as_document(self) -> Mapping[str, object]:
        """Return the plan for JSON."""
        return {"name": self.name, "exists": self.exists, "changes": list(self.changes)}


def plan_labels(client: RepositoryClient, uses: Iterable[LabelUse]) -> tuple[LabelPlan, ...]:
    """Compare labels with those that are read; nothing is requested if none are.

    Raises:
        OutsideError: if the labels can't be read.
    """
    wanted = tuple(uses)
    if not wanted:
        return ()
    found = client.with_permission("issues").get_pages("/labels", form_reader(list[_Label]), doing="read the labels")
    known = {one.name.lower(): one for one in found}
    return tuple(_compare(use, known.get(use.name.lower())) for use in wanted)


def _compare(use: LabelUse, current: _Label | None) -> LabelPlan:
    body = {"color": COLOUR, "description": use.description[:_LONGEST]}
    if current is None:
        return LabelPlan(name=use.name, exists=False, body=body, changes=("does not exist yet",))
    changes = []
    if use.name.lower().startswith(PREFIX):
        if current.color.lower() != COLOUR:
            changes.append(f"colour #{COLOUR}, not #{current.color}")
        if current.description != body["description"]:
            changes.append(f"description {body['description']!r}, not {current.description or ''!r}")
    return LabelPlan(name=current.name, exists=True, body=body, changes=tuple(changes))


def apply_label(client: RepositoryClient, plan: LabelPlan) -> None:
    """Create or change a label as planned; nothing is sent if nothing has to change.

    Raises:
        OutsideError: if GitHub refuses; it needs `issues: write`.
    """
    if not plan.changes:
        return
    verb, path, body = "POST", "/labels", {"name": plan.name, **plan.body}
    if plan.exists:
        verb, path, body = "PATCH", f"/labels/{quote(plan.name, safe='')}", dict(plan.body)
    client.with_permission("issues").change(verb, path, lambda _: None, doing=f"write the label {plan.name}", body=body)
