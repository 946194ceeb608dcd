"""Published test vectors of Sigstore against ``mlci verify --attestation``; they are not stored here.

    python -m tests.governance.vectors FOLDER

FOLDER is ``test/assets/bundle-verify`` of sigstore/sigstore-conformance. Each vector is a folder whose name ends with
``_fail`` if it has to be refused. Vectors with signed files instead of in-toto statements, and those with a key instead
of an identity, are left out: mlci accepts neither. The network is refused.
"""

import json
import socket
import sys
from pathlib import Path

from mlci.operations.governance.attestation import SignerPolicy, UnverifiedError
from mlci.operations.governance.sigstore_bundle import open_sigstore_bundle

BEACON = "sigstore-conformance/extremely-dangerous-public-oidc-beacon"
IDENTITY = f"https://github.com/{BEACON}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
LIMITS = {
    "intoto-with-custom-trust-root": "sigstore does not read log entries of the type intoto 0.0.2",
}
"""Vectors that have to be accepted and that sigstore's library refuses."""


def is_statement(folder: Path) -> bool:
    """Check if a vector's bundle signs a statement."""
    try:
        return "dsseEnvelope" in json.loads((folder / "bundle.sigstore.json").read_bytes())
    except ValueError:
        return True  # malformed: it has to be refused


def is_accepted(folder: Path, *, more: str = "") -> bool:
    """Check if a vector's signature counts; ``more`` makes the identity another one."""

    def said(name: str, fallback: str) -> str:
        return (folder / name).read_text("utf-8").strip() if (folder / name).exists() else fallback

    root = folder / "trusted_root.json"
    signer = SignerPolicy(identity=said("identity", IDENTITY) + more, trusted_root=root if root.exists() else None)
    try:
        open_sigstore_bundle((folder / "bundle.sigstore.json").read_bytes(), signer)
    except UnverifiedError as error:
        print(f"refused   {folder.name}: {error}")
        return False
    print(f"accepted  {folder.name}")
    return True


def refuse_network(*_: object) -> None:
    raise OSError("the network is not used")


def main(place: str) -> int:
    socket.socket.connect = refuse_network  # type: ignore[method-assign,assignment]
    folders = [path for path in sorted(Path(place).iterdir()) if path.is_dir() and not (path / "key.pub").exists()]
    wrong = []
    for folder in filter(is_statement, folders):
        subject = folder / "artifact"
        if folder.name == "wrong-material_fail" and subject.exists():
            continue  # the subject is wrong, which mlci compares with the registry
        accepted = is_accepted(folder)
        if accepted == folder.name.endswith("_fail") and folder.name not in LIMITS:
            wrong.append(folder.name)
        if accepted and is_accepted(folder, more="x"):
            wrong.append(f"{folder.name} by another identity")
    print(f"wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
