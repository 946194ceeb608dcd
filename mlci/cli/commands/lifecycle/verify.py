"""``mlci verify``."""

from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.commands.registry.versions import sanitize_text
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry_factory import load_with_registry
from mlci.cli.run_output import BLOCKED
from mlci.operations.governance.collect import collect_evidence, find_version
from mlci.operations.governance.verify import FileComparison, compare_documents, compare_model
from mlci.registry import stored_files
from mlci.util.json_text import pretty_json

_REMEDY = (
    "A changed document is outdated if the ledger or `card:` in mlci.yml changed since; `mlci card --folder` writes it "
    "again. Do not use a changed model file."
)


@click.command()
@click.argument("number", metavar="[VERSION]", required=False, type=click.IntRange(min=1))
@options.config
@options.as_json
@click.option("--model", type=click.Path(path_type=Path), help="The model's file or folder, as it is used.")
@click.option("--documents", type=click.Path(path_type=Path, file_okay=False), help="Folder that `mlci card` wrote.")
def command(number: int | None, config_path: Path, *, as_json: bool, model: Path | None, documents: Path | None) -> int:
    """Verify model files and documents against a version of the registry; by default the one in production.

    Every file is compared byte for byte. A file that differs is named with both digests and the first difference. The
    version itself is verified from the newest entry of the ledger, with all of its files in the registry, so the
    command needs the registry and nothing else. `mlci ledger verify` verifies the whole registry instead.

    \b
    Exit codes: 0 the same bytes · 1 a file differs, is missing or does not belong to the version
                2 configuration or input · 4 the registry is damaged or could not be reached

    \b
    Examples:
      mlci verify
      mlci verify 3 --model model.onnx
      mlci verify 3 --documents governance --json
    """  # noqa: D301 (click's mark against rewrapping)
    loaded, registry = load_with_registry(config_path)
    view = registry.view()
    version = find_version(view, loaded.config.model, number)
    evidence = collect_evidence(view, version, loaded.config)
    stored_files.verify_files(view.store, version.manifest)
    found = compare_model(view, evidence, model) if model is not None else ()
    if documents is not None:
        found = (*found, *compare_documents(view, evidence, documents))
    files = len(version.manifest.everything())
    text = _text(version.number, files, found)
    write_step_result({}, text)
    if as_json:
        rows = [{**asdict(one), "same": one.same} for one in found]
        click.echo(pretty_json({"version": version.number, "registry_files": files, "compared": rows}))
    else:
        click.echo(text)
    return 0 if all(one.same for one in found) else BLOCKED


def _text(number: int, files: int, found: tuple[FileComparison, ...]) -> str:
    first = f"version {number}: its entry, manifest and {files} files in the registry are intact"
    remedy = [] if all(one.same for one in found) else [_REMEDY]
    return "\n".join([first, *map(_line, found), *remedy])


def _line(one: FileComparison) -> str:
    name = sanitize_text(one.name)
    if one.same:
        return f"     same  {name}  sha256 {one.found}"
    if one.found is None:
        return f"  MISSING  {name}: the version has it, with sha256 {one.wanted}"
    if one.wanted is None:
        return f"  FOREIGN  {name}: the version has no such file; its sha256 is {one.found}"
    return f"  CHANGED  {name}: {one.difference} differs; its sha256 is {one.found}, the version has {one.wanted}"
