"""Signed bundles of Sigstore, verified offline by its own library, which the extra ``attestations`` installs."""

import logging

from mlci.errors import InputError
from mlci.operations.governance.attestation import SignerPolicy, UnverifiedError

_PAYLOAD = "application/vnd.in-toto+json"


def open_sigstore_bundle(data: bytes, signer: SignerPolicy) -> bytes:
    """Verify a bundle and return the statement that it signs.

    Certificate, log entry, timestamps, signature and identity are verified against the root of trust; nothing is asked
    of the network.

    Raises:
        UnverifiedError: if one of them is wrong.
        InputError: if sigstore is not installed, or the root of trust can't be read.
    """
    try:
        from sigstore.errors import Error  # noqa: PLC0415 - the optional extra
        from sigstore.models import Bundle, TrustedRoot  # noqa: PLC0415 - the same
        from sigstore.verify import Verifier, policy  # noqa: PLC0415 - the same
    except ImportError as error:
        raise InputError("--attestation needs sigstore: pip install 'mlci[attestations]'") from error
    logging.getLogger("sigstore").addHandler(logging.NullHandler())  # it warns that it is offline
    root = signer.trusted_root
    try:
        bundle = Bundle.from_json(data)
    except (Error, ValueError) as error:
        raise UnverifiedError(_first_line(error)) from error
    try:
        trusted = None if root is None else TrustedRoot.from_file(str(root))
    except (OSError, ValueError, Error) as error:
        raise InputError(f"{root}: the root of trust can't be read: {_first_line(error)}") from error
    verifier = Verifier.production(offline=True) if trusted is None else Verifier(trusted_root=trusted)
    try:
        kind, payload = verifier.verify_dsse(bundle, policy.Identity(identity=signer.identity, issuer=signer.issuer))
    except (Error, ValueError) as error:
        raise UnverifiedError(_first_line(error)) from error
    if kind != _PAYLOAD:
        raise UnverifiedError(f"it signs {kind}, not {_PAYLOAD}")
    return payload


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
