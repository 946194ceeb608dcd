"""``mlci verify``."""

from dataclasses import asdict
from pathlib import Path

import click

from mlci.cli import options
from mlci.cli.github_actions import write_step_result
from mlci.cli.registry.ledger_words import sanitize_text
from mlci.cli.registry_factory import load_with_registry
from mlci.cli.run_output import BLOCKED
from mlci.governance.evidence import VersionEvidence
from mlci.operations.governance.attestation import (
    GITHUB_ISSUER,
    AttestationCheck,
    SignerPolicy,
    check_attestations,
)
from mlci.operations.governance.collect_evidence import collect_evidence
from mlci.operations.governance.sigstore_bundle import open_sigstore_bundle
from mlci.operations.governance.verify import FileComparison, compare_documents, compare_model
from mlci.operations.registry.find_version import find_version
from mlci.registry import stored_files
from mlci.registry.registry import RegistryView, Version
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
@click.option(
    "--attestation",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Signed bundle, or a file with one a line, such as `gh attestation download` writes; needs --identity.",
)
@click.option("--identity", metavar="ADDRESS", help="Workflow whose signature counts, with its reference.")
@click.option("--issuer", default=GITHUB_ISSUER, show_default=True, help="Issuer of that identity.")
@click.option(
    "--trusted-root",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the root of trust; by default the one that sigstore brings.",
)
@click.option("--documents", type=click.Path(path_type=Path, file_okay=False), help="Folder that `mlci card` wrote.")
def command(  # noqa: PLR0913 - an option each
    number: int | None,
    config_path: Path,
    *,
    as_json: bool,
    model: Path | None,
    attestation: Path | None,
    identity: str | None,
    issuer: str,
    trusted_root: Path | None,
    documents: Path | None,
) -> int:
    """Verify model files and documents against a version of the registry; by default the one in production.

    Every file is compared byte for byte. A file that differs is named with both digests and the first difference. The
    version itself is verified from the newest entry of the ledger, with all of its files in the registry, so the
    command needs the registry and nothing else. `mlci ledger verify` verifies the whole registry instead.

    `--attestation` also verifies signed bundles, offline: the signature is of that workflow, the bundle is about the
    version's model files, and a summary or bill of materials in it is the registry's.

    \b
    Exit codes:
      0  the same bytes
      1  a file differs, is missing or does not belong to the version
      2  configuration or input
      4  the registry is damaged or could not be reached

    \b
    Examples:
      mlci verify
      mlci verify 3 --model model.onnx
      mlci verify 3 --documents governance --json
      mlci verify --attestation bundle.json --identity "$IDENTITY"
    """  # noqa: D301 (click's mark against rewrapping)
    if attestation is not None and identity is None:
        raise click.UsageError("--attestation needs --identity, the workflow whose signature counts")
    loaded, registry = load_with_registry(config_path)
    view = registry.view()
    version = find_version(view, number)
    evidence = collect_evidence(view, version, loaded.config)
    stored_files.verify_files(view.store, version.manifest)
    found = _compare_files(view, evidence, model=model, documents=documents)
    signed: tuple[AttestationCheck, ...] = ()
    if attestation is not None and identity is not None:
        signer = SignerPolicy(identity=identity, issuer=issuer, trusted_root=trusted_root)
        signed = check_attestations(view, evidence, attestation, signer, open_sigstore_bundle)
    text = _text(version, found, signed)
    write_step_result({}, text)
    click.echo(_json(version, found, signed) if as_json else text)
    return 0 if all(one.same for one in found) and all(one.problem is None for one in signed) else BLOCKED


def _compare_files(
    view: RegistryView, evidence: VersionEvidence, *, model: Path | None, documents: Path | None
) -> tuple[FileComparison, ...]:
    found = compare_model(view, evidence, model) if model is not None else ()
    return found if documents is None else (*found, *compare_documents(view, evidence, documents))


def _json(version: Version, found: tuple[FileComparison, ...], signed: tuple[AttestationCheck, ...]) -> str:
    return pretty_json(
        {
            "version": version.number,
            "registry_files": len(version.manifest.everything()),
            "compared": [{**asdict(one), "same": one.same} for one in found],
            "attestations": [asdict(one) for one in signed],
        }
    )


def _text(version: Version, found: tuple[FileComparison, ...], signed: tuple[AttestationCheck, ...]) -> str:
    files = len(version.manifest.everything())
    first = f"version {version.number}: its entry, manifest and {files} files in the registry are intact"
    remedy = [] if all(one.same for one in found) else [_REMEDY]
    return "\n".join([first, *map(_line, found), *map(_signed_line, signed), *remedy])


def _signed_line(one: AttestationCheck) -> str:
    name, kind = sanitize_text(one.name), sanitize_text(one.predicate_type)
    if one.problem is None:
        return f"   signed  {name}: {kind}, by that identity, about these model files"
    return f"  REFUSED  {name}: {sanitize_text(one.problem)}"


def _line(one: FileComparison) -> str:
    name = sanitize_text(one.name)
    if one.same:
        return f"     same  {name}  sha256 {one.found}"
    if one.found is None:
        return f"  MISSING  {name}: the version has it, with sha256 {one.wanted}"
    if one.wanted is None:
        return f"  FOREIGN  {name}: the version has no such file; its sha256 is {one.found}"
    return f"  CHANGED  {name}: {one.difference} differs; its sha256 is {one.found}, the version has {one.wanted}"
