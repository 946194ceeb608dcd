"""Documents of a version: model card, bill of materials, verification summary and subjects, by file name."""

from mlci.governance.bom import render_bom
from mlci.governance.card import render_html_card, render_markdown_card
from mlci.governance.evidence import VersionEvidence
from mlci.governance.lock_files import LockedPackage, parse_lock
from mlci.governance.summary import render_subjects, render_summary_predicate
from mlci.registry import stored_files
from mlci.registry.registry import RegistryView
from mlci.util.bounds import DESCRIPTION_BYTES

CARD, PAGE, BOM, SUMMARY, SUBJECTS = "card.md", "card.html", "bom.json", "summary.json", "subjects.sha256"
DOCUMENTS = (CARD, PAGE, BOM, SUMMARY, SUBJECTS)
"""Names of the files that ``mlci card --folder`` writes."""


def render_document(name: str, view: RegistryView, evidence: VersionEvidence) -> str:
    """Return the text of one document.

    Raises:
        CorruptError: if a lock file of the version is damaged or missing.
    """
    match name:
        case "card.md":
            return render_markdown_card(evidence)
        case "card.html":
            return render_html_card(evidence)
        case "bom.json":
            return render_bom(evidence, _locked_packages(view, evidence))
        case "summary.json":
            return render_summary_predicate(evidence)
        case _:
            return render_subjects(evidence)


def render_documents(view: RegistryView, evidence: VersionEvidence) -> dict[str, str]:
    """Return the texts of all documents by file name."""
    return {name: render_document(name, view, evidence) for name in DOCUMENTS}


def _locked_packages(view: RegistryView, evidence: VersionEvidence) -> dict[str, tuple[LockedPackage, ...] | None]:
    """Return the packages of each lock file; ``None`` for one that is too large or of another format."""
    found: dict[str, tuple[LockedPackage, ...] | None] = {}
    for file in evidence.manifest.environment.lock:
        found[file.name] = None
        if file.bytes <= DESCRIPTION_BYTES.value:
            of = f"`{file.name}` of version {evidence.manifest.version}"
            data = stored_files.read_description(view.store, file.digest, of=of)
            found[file.name] = parse_lock(file.name, data.decode(errors="replace"))
    return found
