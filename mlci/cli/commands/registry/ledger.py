"""``mlci ledger``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.anchor_option import anchor_option, check_given_anchor, keep_given_anchor
from mlci.cli.registry.audit import audit_summary, audit_text, drill_summary
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import clock, load_with_registry
from mlci.errors import OutsideError
from mlci.recovery.anchor import Anchor
from mlci.registry import ledger
from mlci.registry.errors import CorruptError
from mlci.registry.stores.interface import Store
from mlci.registry.verification import RegistryAudit, verify_registry
from mlci.util.json_text import pretty_json

LIMIT = 50


@click.group()
def command() -> None:
    """Verify or list the ledger, the record of every verdict, promotion and rollback.

    \b
    Examples:
      mlci ledger verify
      mlci ledger log
    """  # noqa: D301 (click's mark against rewrapping)


@command.command()
@options.config
@options.as_json
@click.option("--files", is_flag=True, help="Read every file and verify its digest, not only the records.")
@anchor_option
def verify_command(config_path: Path, *, as_json: bool, files: bool, anchor: str) -> int:
    """Verify the ledger from its first entry: no entry was changed, moved or removed, and every file exists.

    The exit code is 4 if something is damaged; the message names the first damaged record. The command fails in every
    case in which a promotion would be refused, also for a missing checkpoint or a clock that is behind. On GitHub, the
    job summary shows the same result.

    \b
    Examples:
      mlci ledger verify
      mlci ledger verify --files --json
      mlci ledger verify --anchor ../anchor.json
    """  # noqa: D301 (click's mark against rewrapping)
    _, registry = load_with_registry(config_path)
    audit = _audited(registry.store, contents=files, anchor=anchor)
    newest = None if audit.digest is None else Anchor(number=audit.entries, digest=audit.digest)
    if newest is not None:
        keep_given_anchor(newest, anchor)
    word = newest.text if newest is not None else ""
    drill = drill_summary(registry.view(), clock())
    text = _text(audit, contents=files) + (f"\n{drill}" if drill else "") + (f"\nanchor: {word}" if word else "")
    write_step_result({"anchor": word}, text)
    if as_json:
        document = {
            "entries": audit.entries,
            "files": audit.files,
            "contents": files,
            "erased": audit.erased,
            "anchor": word or None,
            "drill": drill,
            "state": audit.state.model_dump(),
            "findings": [{"entry": item.number or None, "message": item.message} for item in audit.findings],
        }
        click.echo(pretty_json(document))
    else:
        click.echo(text)
    return 0


def _audited(store: Store, *, contents: bool, anchor: str) -> RegistryAudit:
    """Verify the ledger; a failure is also written to the job summary."""
    try:
        check_given_anchor(store, anchor)
        return verify_registry(store, contents=contents, now=clock())
    except OutsideError as error:
        damaged = isinstance(error, CorruptError)
        write_step_result({}, f"the ledger {'is not whole' if damaged else 'could not be verified'}: {error}")
        raise


def _text(found: RegistryAudit, *, contents: bool) -> str:
    """Return a summary line, and a line for each finding."""
    odd = [(f"entry {item.number}: " if item.number else "", sanitize_text(item.message)) for item in found.findings]
    return "\n".join([audit_summary(found, contents=contents), *(f"note: {where}{what}" for where, what in odd)])


@command.command()
@options.config
@options.as_json
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="Maximum number to list.")
@click.option("--before", type=click.IntRange(min=1), help="List entries before this one.")
def log_command(config_path: Path, *, as_json: bool, limit: int, before: int | None) -> int:
    """List entries, newest first, and verify them. `--json` lists them in the order of the ledger.

    \b
    Examples:
      mlci ledger log
      mlci ledger log --limit 500 --before 1201 --json
    """  # noqa: D301 (click's mark against rewrapping)
    view = load_with_registry(config_path)[1].view()
    last = min(view.number, before - 1) if before else view.number
    first = max(1, last - limit + 1)
    page = ledger.read_page(view.store, view.head, first, last) if last else []
    if as_json:
        rows = [entry.model_dump(mode="json", by_alias=True) for entry in page]
        click.echo(pretty_json(rows))
    elif not view.number:
        click.echo(f"{sanitize_text(view.shown)} has no entry yet")
    for entry in reversed(page if not as_json else []):
        who = sanitize_text(entry.by.actor) or "unknown author"
        click.echo(f"{entry.number:>5}  {sanitize_text(entry.at)}  {who}: {sanitize_text(audit_text(entry))}")
    if page and first > 1:
        click.echo(f"{first - 1:,} older: `mlci ledger log --before {first}`", err=as_json)
    return 0
