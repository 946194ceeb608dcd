"""``mlci show``."""

from collections.abc import Mapping
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import load_with_registry
from mlci.errors import InputError
from mlci.registry.erasures import Erasure, is_erased
from mlci.registry.registry import Version
from mlci.util.json_text import pretty_json


@click.command()
@click.argument("number", metavar="[VERSION]", required=False, type=click.IntRange(min=1))
@options.config
@options.as_json
def command(number: int | None, config_path: Path, *, as_json: bool) -> int:
    """Show the files and the provenance of a version; by default of the one in production.

    \b
    Examples:
      mlci show
      mlci show 3 --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry = load_with_registry(config_path)
    view = registry.view()
    wanted = number or view.state.champion
    if wanted is None:
        raise InputError(f"{loaded.config.model} has no version in {view.shown} yet; `mlci promote` makes one")
    try:
        version = view.version(wanted)
    except LookupError as error:
        raise InputError(f"{view.shown} has no version {wanted}; `mlci versions` lists them") from error
    if as_json:
        manifest = version.manifest.model_dump(mode="json", by_alias=True)
        document = {"entry": version.entry.model_dump(mode="json", by_alias=True), "manifest": manifest}
        click.echo(pretty_json(document))
    else:
        click.echo(_card(version, production=wanted == view.state.champion, erased=view.erasures))
    return 0


def _card(version: Version, *, production: bool, erased: Mapping[str, Erasure]) -> str:
    manifest, entry = version.manifest, version.entry
    recipe, data, environment = manifest.recipe, manifest.data, manifest.environment
    files = [f"{file.name}  {file.bytes:,} bytes  sha256 {file.digest[:12]}" for file in manifest.files]
    rows = {
        "version": f"{version.number} of {manifest.model}{', in production' if production else ''}",
        "promoted": f"{entry.at} by {entry.by.actor or 'unknown author'}, entry {entry.number}",
        "note": entry.body.note if entry.body.kind == "promotion" else None,
        "run": entry.by.run,
        "commit": f"{recipe.commit or 'none'}{', with uncommitted changes' if recipe.dirty else ''}",
        "train": recipe.train,
        "predict": recipe.predict,
        "model": "\n".join(files) or None,
        "judged on": f"{data.rows:,} rows, {data.fingerprint}",
        "metrics": "\n".join(f"{name} {value:.6g}" for name, value in manifest.metrics.items()) or None,
        "ran on": f"Python {environment.python}, {environment.platform}",
        "erased": "\n".join(
            f"{file.name} was {erased[file.digest].text}"
            for file in manifest.everything()
            if is_erased(erased, file.digest, named_by=entry.number)
        )
        or None,
        "lock files": "\n".join(file.name for file in environment.lock) or None,
        "data": "\n".join(f"{path} {digest}" for path, digest in data.pointers.items()) or None,
    }
    lines = []
    for key, value in rows.items():
        for index, line in enumerate((value or "").splitlines()):
            lines.append(f"{key if index == 0 else '':>10}  {sanitize_text(line)}")
    return "\n".join(lines)
