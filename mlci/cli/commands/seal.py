"""``mlci seal``."""

import os
import tempfile
from pathlib import Path
from shlex import quote

import click

from mlci.cli import options
from mlci.cli.wiring import checkout_git, load_configuration
from mlci.config.loader import CheckedConfig
from mlci.engine.export.features import write_features
from mlci.engine.export.labels_file import write_labels
from mlci.errors import InputError, Problem
from mlci.operations.sealed.labels import (
    SealedSet,
    SealPorts,
    find_later_leak,
    read_seal,
    rotate_key,
    seal_evaluation_set,
    sealed_labels_path,
)
from mlci.sealed.label_seal import KEY_VARIABLE, LOST_KEY, new_private_key, open_seal, parse_public_key, public_key_of
from mlci.util.json_text import pretty_json


@click.command()
@options.config
@click.option(
    "--key",
    "key_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the new private key, outside of the repository; by default in your configuration folder.",
)
@click.option("--public-key", metavar="KEY", help="Seal to this public key, the line of an earlier file; makes no key.")
@click.option("--rotate", is_flag=True, help=f"Seal the labels to a new key; the old one is in {KEY_VARIABLE}.")
@click.option("--check", is_flag=True, help=f"Say what the sealed file is, and if the key in {KEY_VARIABLE} opens it.")
@options.as_json
def command(
    config_path: Path, *, key_path: Path | None, public_key: str | None, rotate: bool, check: bool, as_json: bool
) -> int:
    """Split the evaluation set into features and sealed labels, which only the gate of sealed mode can open.

    The labels are encrypted to a new key. Store it as a secret of the environment of the gate, and nowhere else. The
    files are written beside the evaluation set; no file is overwritten, and mlci.yml is not changed.

    \b
    Examples:
      mlci seal
      mlci seal --check
      mlci seal --rotate --key new.key
    """  # noqa: D301 (click's mark against rewrapping)
    if check and (rotate or public_key or key_path):
        raise InputError("--check takes no other option but --config")
    loaded = load_configuration(config_path)
    if check:
        return _check(loaded, as_json=as_json)
    if rotate:
        if public_key:
            raise InputError("--rotate makes a new key, and takes no --public-key")
        return _rotate(loaded, _key_file(loaded, key_path, name="new"), as_json=as_json)
    return _seal(loaded, key_path, public_key, as_json=as_json)


def _seal(loaded: CheckedConfig, key_path: Path | None, public_key: str | None, *, as_json: bool) -> int:
    """Seal to a new key, which is written first, or to a public one."""
    target = None if public_key else _key_file(loaded, key_path)
    private = "" if public_key else new_private_key()
    public = parse_public_key(public_key) if public_key else public_key_of(private)
    with tempfile.TemporaryDirectory(prefix="mlci-seal-", ignore_cleanup_errors=True) as scratch:
        ports = SealPorts(features=write_features, labels=write_labels, git=checkout_git(loaded), scratch=Path(scratch))
        made = seal_evaluation_set(loaded, ports, public, before_writing=lambda: _keep_key(target, private))
    if as_json:
        document = {"data": made.data, "labels": made.labels, "key": str(target) if target else None}
        click.echo(pretty_json({**document, "in_history": made.leaked}))
    else:
        click.echo(_explain(made, target))
    return 0


def _explain(made: SealedSet, key: Path | None) -> str:
    """Return what was made, and what is left to do, in lines that can be pasted."""
    plain = made.plain
    lines = [f"sealed  {made.labels}"]
    lines += [f"split   {made.data} (features, without the label)"] if made.data != plain else []
    lines += ["", "Write into mlci.yml:", "  evaluation:", f"    data: {made.data}", f"    labels: {made.labels}"]
    lines += ["", "Take the plain labels out of the repository, and keep them elsewhere:"]
    lines += [f"  git rm --cached --ignore-unmatch {quote(plain)} && echo {quote(plain)} >> .gitignore"]
    if key is not None:
        lines += ["", f"Give the key to the gate, whose job names `environment: mlci-gate`; it is in {key}:"]
        lines += [f"  gh secret set {KEY_VARIABLE} --env mlci-gate < {quote(str(key))}"]
    if made.leaked is not None:
        words = (
            f"Commit {made.leaked} holds these labels in plain text, and anyone who can read the repository can read "
            "its history. Sealing hides the labels of rows that were never committed: seal a fresh evaluation set. "
            "Reports name the commit."
        )
        lines += ["", words]
    return "\n".join(lines)


def _rotate(loaded: CheckedConfig, target: Path, *, as_json: bool) -> int:
    sealed_labels_path(loaded)
    new, git = new_private_key(), checkout_git(loaded)
    path = rotate_key(loaded, git, _private_key(), new, before_writing=lambda: _keep_key(target, new))
    if as_json:
        click.echo(pretty_json({"labels": str(path), "key": str(target)}))
    else:
        click.echo(
            f"sealed  {path} to a new key\n\n  gh secret set {KEY_VARIABLE} --env mlci-gate < {quote(str(target))}"
        )
    return 0


def _check(loaded: CheckedConfig, *, as_json: bool) -> int:
    path = sealed_labels_path(loaded)
    seal, private = read_seal(path), os.environ.get(KEY_VARIABLE)
    if private:
        open_seal(seal, private)
    later = None if seal.leaked else find_later_leak(loaded, checkout_git(loaded), seal)
    if later is not None:
        message = (
            f"commit {later} holds these labels in plain text, and reports call them sealed. Seal a fresh evaluation "
            "set; or, to let reports name the commit, write it into the file: `mlci seal --rotate --key ../new.key`"
        )
        raise InputError(Problem(message, str(path)))
    if as_json:
        click.echo(pretty_json({"labels": str(path), "opens": True if private else None, "in_history": seal.leaked}))
        return 0
    opened = f"the key in {KEY_VARIABLE} opens them" if private else f"{KEY_VARIABLE} is not set, so they stay closed"
    leaked = (
        f"commit {seal.leaked} holds them in plain text"
        if seal.leaked
        else "no commit was found that holds them in plain text"
    )
    click.echo(f"{path}: sealed labels; {opened}; {leaked}")
    return 0


def _private_key() -> str:
    """Return the key from the environment.

    Raises:
        InputError: if it is not set.
    """
    private = os.environ.get(KEY_VARIABLE)
    if not private:
        raise InputError(f'{KEY_VARIABLE} is not set: `export {KEY_VARIABLE}="$(cat old.key)"`. {LOST_KEY}')
    return private


def _key_file(loaded: CheckedConfig, chosen: Path | None, *, name: str = "") -> Path:
    """Return the file for a new key.

    Raises:
        InputError: if it exists, or is in the repository.
    """
    default = Path(click.get_app_dir("mlci")) / f"{loaded.config.model}{name and '-'}{name}.label-key"
    target = (chosen or default).absolute()
    answer = checkout_git(loaded).ask("rev-parse", "--show-toplevel")
    top = Path(answer.out) if answer.status == 0 else Path(loaded.path).parent.absolute()
    if target.resolve().is_relative_to(top.resolve()):
        raise InputError(f"{target} is in the repository, where a key does not belong; choose another place with --key")
    if target.exists():
        raise InputError(f"{target} exists, and may be the only copy of a key; choose another place with --key")
    return target


def _keep_key(target: Path | None, private: str) -> None:
    """Write a new key, readable by its owner alone.

    Raises:
        InputError: if the file can't be written.
    """
    if target is None:
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{private}\n")
    except OSError as error:
        raise InputError(f"can't write {target}: {error.strerror}; choose another place with --key") from error
