"""``mlci card``."""

from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.output_files import write_files
from mlci.cli.registry_factory import load_with_registry
from mlci.operations.governance.collect_evidence import collect_evidence
from mlci.operations.governance.documents import BOM, CARD, PAGE, SUMMARY, render_document, render_documents
from mlci.operations.registry.find_version import find_version

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("number", metavar="[VERSION]", required=False, type=click.IntRange(min=1))
@options.config
@click.option(
    "--format", "form", type=click.Choice(["md", "html"]), default="md", show_default=True, help="Form of the card."
)
@click.option("--output", type=_FILE, help="File for the card; by default it is printed.")
@click.option("--bom", type=_FILE, help="File for the bill of materials: CycloneDX 1.6, JSON.")
@click.option("--summary", type=_FILE, help="File for the verification summary: the predicate of SLSA's attestation.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Folder for all documents instead.")
def command(
    number: int | None,
    config_path: Path,
    *,
    form: str,
    output: Path | None,
    bom: Path | None,
    summary: Path | None,
    folder: Path | None,
) -> int:
    """Write the model card of a version from the registry's evidence; by default of the one in production.

    What no evidence shows, such as the intended use, the owners write under `card:` in mlci.yml; if they do not, the
    card says MISSING. Everything else comes from the ledger and the version's report. `--folder` writes card.md,
    card.html, bom.json, summary.json and subjects.sha256. The same registry and configuration give the same bytes;
    `mlci verify` compares them later.

    \b
    Examples:
      mlci card 3
      mlci card --format html --output card.html
      mlci card 3 --bom bom.json --output card.md
      mlci card 3 --folder governance
    """  # noqa: D301 (click's mark against rewrapping)
    if folder is not None and (output or bom or summary):
        raise click.UsageError("--folder writes all documents; leave --output, --bom and --summary out")
    loaded, registry = load_with_registry(config_path)
    view = registry.view()
    evidence = collect_evidence(view, find_version(view, number), loaded.config)
    if folder is not None:
        texts = render_documents(view, evidence)
        write_files(folder, texts, option="--folder")
        click.echo(f"wrote {', '.join(texts)} to {folder}", err=True)
        return 0
    for name, path, option in ((BOM, bom, "--bom"), (SUMMARY, summary, "--summary")):
        if path is not None:
            write_files(path.parent, {path.name: render_document(name, view, evidence)}, option=option)
    card = render_document(PAGE if form == "html" else CARD, view, evidence)
    if output is not None:
        write_files(output.parent, {output.name: card}, option="--output")
    elif bom is None and summary is None:
        click.echo(card, nl=False)
    return 0
