"""Labels as code: those that the workflows of mlci read from a pull request have to exist before a user can set them.

A label whose name begins with `mlci:` belongs to mlci: it gets mlci's colour, and a description that names the
workflows. Any other label that such a workflow reads is the team's: it is created if it is missing, and stays as it is
if it exists. Labels that no workflow of mlci reads are never touched.

Source: https://docs.github.com/rest/issues/labels
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.operations.doctor.workflows import LabelUse

PREFIX = "mlci:"
COLOUR = "5319e7"
_LONGEST = 100  # characters of a description


class _Label(Form):
    name: str
    color: str
    description: str | None = None


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
    """Compare labels with those that workflows read; nothing is requested if they read none.

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
    body = {"color": COLOUR, "description": f"Read by {', '.join(use.workflows)}"[:_LONGEST]}
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
