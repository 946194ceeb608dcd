"""``mlci registry gc`` and ``mlci registry erase``."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.copies import format_bytes
from mlci.cli.registry.ledger_words import ledger_text, sanitize_text
from mlci.cli.registry_factory import open_registry
from mlci.cli.wiring import load_configuration
from mlci.config.types import Duration
from mlci.errors import InputError
from mlci.operations.recovery.remove_files import Collection, find_removable, remove_files
from mlci.recovery.retention import PredictionsOwner, RetentionPolicy
from mlci.registry.entries import LedgerState
from mlci.registry.stores.interface import StoredFile
from mlci.report.text.number_format import pluralize
from mlci.util.json_text import pretty_json

_LEAST = 3600.0
_SHOWN = 10


def _age(_context: click.Context, _option: click.Parameter, value: str) -> Duration:
    """Parse an age; a younger file may belong to a promotion that is under way."""
    try:
        age = Duration.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if age < _LEAST:
        raise click.BadParameter("must be at least 1h: a promotion stores its files before the entry that names them")
    return age


@click.command("gc")
@options.config
@options.as_json
@click.option("--apply", is_flag=True, help="Remove the files; without it, they are only listed.")
@click.option("--older-than", callback=_age, default="7d", show_default=True, help="Age of an unused file.")
def gc_command(config_path: Path, *, as_json: bool, apply: bool, older_than: Duration) -> int:
    """Remove files that no entry of the ledger names, and predictions past the `retention` of mlci.yml.

    Without --apply, nothing is removed. An erasure of predictions is an entry of the ledger: which files, why, and by
    whom. Entries keep their bytes, and `mlci ledger verify` reports the files as erased on purpose. The predictions of
    the version in production stay.

    \b
    Examples:
      mlci registry gc
      mlci registry gc --apply --older-than 30d
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, now = load_configuration(config_path), datetime.now(UTC)
    registry = open_registry(loaded, config_path.parent, writes=True)
    kept = loaded.config.retention
    policy = RetentionPolicy(versions=kept.versions, days=kept.days) if kept is not None else None

    def is_expired(owners: list[PredictionsOwner], state: LedgerState) -> bool:
        return policy is not None and policy.has_expired(owners, newest=state.versions, champion=state.champion)

    found = find_removable(registry, now=now, unused_after=timedelta(seconds=older_than), expired=is_expired)
    if apply:
        remove_files(registry, found, reason=policy.text if policy is not None else "", now=now)
    _show(found, removed=apply, as_json=as_json)
    return 0


@click.command("erase")
@click.argument("version", type=click.IntRange(min=1))
@options.config
@options.as_json
@click.option("--reason", required=True, help="Reason, recorded in the ledger with the author.")
def erase_command(version: int, config_path: Path, *, as_json: bool, reason: str) -> int:
    """Erase the stored predictions of a version that is not in production, for example on a person's request.

    The model, the report and the record of the version stay. A file that another version shares stays too. Backups
    erase it with the next `mlci backup`.

    \b
    Example:
      mlci registry erase 3 --reason "request 4711"
    """  # noqa: D301 (click's mark against rewrapping)
    why = ledger_text(reason, "--reason")
    if why is None:
        raise click.UsageError("--reason must not be empty: it is recorded in the ledger for other readers")
    loaded, now = load_configuration(config_path), datetime.now(UTC)
    registry = open_registry(loaded, config_path.parent, writes=True)

    def is_of_version(owners: list[PredictionsOwner], state: LedgerState) -> bool:
        return version != state.champion and {owner.version for owner in owners} == {version}

    found = find_removable(registry, now=now, unused_after=None, expired=is_of_version)
    if str(version) not in found.state.promoted:
        raise InputError(f"{registry.shown} has no version {version}; `mlci versions` lists them")
    if version == found.state.champion:
        words = f"version {version} is in production, and every comparison needs its predictions"
        raise InputError(f"{words}; promote another version, or roll back, first")
    remove_files(registry, found, reason=why, now=now)
    _show(found, removed=True, as_json=as_json)
    return 0


def _show(found: Collection, *, removed: bool, as_json: bool) -> None:
    text = collection_text(found, removed=removed)
    if as_json:
        lists = {"unused": found.unused, "predictions": found.expired, "unfinished": found.unfinished}
        document = {name: [_file_document(file) for file in files] for name, files in lists.items()}
        sums = {"bytes": found.bytes, "recent": found.recent, "named": found.named, "removed": removed}
        click.echo(pretty_json(document | sums))
    else:
        click.echo(text)
    write_step_result({"removed": removed and found.bytes > 0}, text)


def _file_document(file: StoredFile) -> dict[str, object]:
    return {**asdict(file), "written_at": file.written_at.isoformat()}


def collection_text(found: Collection, *, removed: bool) -> str:
    """Return what was or would be removed."""
    verb = "removed" if removed else "would remove"
    unused, erased = (*found.unused, *found.unfinished), found.expired
    removable = f"{pluralize(len(unused), 'unused file')} and {pluralize(len(erased), 'file')} of predictions"
    lines = [f"{verb} {removable} ({format_bytes(found.bytes)}); {pluralize(found.named, 'file')} stay"]
    shown = [("unused", file) for file in unused] + [("predictions", file) for file in erased]
    lines += [f"{what:>12}  {file.digest}  {format_bytes(file.bytes)}" for what, file in shown[:_SHOWN]]
    lines += [f"and {len(shown) - _SHOWN} more, see --json"] if len(shown) > _SHOWN else []
    lines += [f"{pluralize(found.recent, 'unused file')} may belong to a promotion under way"] if found.recent else []
    lines += ["nothing was removed: add --apply"] if not removed and shown else []
    return "\n".join(map(sanitize_text, lines))
