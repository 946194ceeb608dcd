"""Collect the evidence of a version from the registry, verified from the ledger head."""

import tempfile
from itertools import takewhile
from pathlib import Path

from mlci.config.lifecycle.governance import Card
from mlci.config.loader import parse_config
from mlci.config.models import Config
from mlci.errors import InputError
from mlci.governance.evidence import VersionEvidence
from mlci.registry import stored_files
from mlci.registry.entries import Entry, dump_entry, rolled_back_versions
from mlci.registry.entry_kinds import Promotion, Rollback
from mlci.registry.manifest import Manifest
from mlci.registry.registry import RegistryView, Version
from mlci.registry.stores.interface import Store
from mlci.report.document import Report
from mlci.report.serialization import parse_report
from mlci.util.digests import sha256_of


def collect_evidence(view: RegistryView, version: Version, config: Config) -> VersionEvidence:
    """Return the evidence of a version.

    Args:
        view: The registry, as of its newest entry.
        version: The version.
        config: The configuration of the checkout, whose ``card:`` the owners write.

    Raises:
        CorruptError: if an entry or a file of the version is damaged or missing; the message names it.
    """
    manifest, number = version.manifest, version.number
    decisions = _decisions(view, version)
    reproduced = view.state.reproduced.get(str(number))
    rolled_back = rolled_back_versions(
        entry.body for entry in decisions if isinstance(entry.body, Promotion | Rollback)
    )
    return VersionEvidence(
        manifest=manifest,
        report=_report(view.store, manifest),
        promotion=version.entry,
        promotion_digest=sha256_of(dump_entry(version.entry)),
        decisions=tuple(entry for entry in decisions if _concerns(entry, number)),
        reproduction=view.entry(reproduced) if reproduced else None,
        production=view.state.champion == number,
        rolled_back=rolled_back.get(number),
        data=_data(view.store, manifest),
        card=config.card or Card(),
    )


def _decisions(view: RegistryView, version: Version) -> list[Entry]:
    """Return every promotion and rollback since the version's own, oldest first."""
    return list(takewhile(lambda entry: entry.number >= version.entry.number, view.decisions()))[::-1]


def _concerns(entry: Entry, number: int) -> bool:
    body = entry.body
    return isinstance(body, Promotion | Rollback) and number in {body.version, body.replaced}


def _report(store: Store, manifest: Manifest) -> Report:
    with tempfile.TemporaryDirectory(prefix="mlci-card-", ignore_cleanup_errors=True) as scratch:
        path = stored_files.fetch_file(
            store, manifest.report, Path(scratch) / "report.json", of=f"version {manifest.version}"
        )
        return parse_report(path.read_bytes(), path=f"the report of version {manifest.version}")


def _data(store: Store, manifest: Manifest) -> str | None:
    """Return the path of the evaluation set in the version's configuration; ``None`` if that can't be read now."""
    file = manifest.recipe.config
    text = stored_files.read_description(store, file.digest, of=f"`{file.name}` of version {manifest.version}")
    try:
        evaluation = parse_config(text, path=file.name).config.evaluation
    except InputError:
        return None  # written by another version of mlci
    return None if evaluation is None else evaluation.data
