"""Errors of object stores as errors of mlci.

obstore's messages contain whole addresses, for Azure with a signature that grants access to the container, so they are
never shown. Only status and error code are taken from them, with a message of mlci.
"""

import re

from mlci.errors import OutsideError
from mlci.registry.stores.object_store.uri import BucketUri

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>|\"code\": ?\"?([A-Za-z0-9]{1,60})")
_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|[Bb]ucket does not exist|container does not exist|ResourceNotFoundError"
)
_NO_CREDENTIALS = re.compile(
    r"latest/api/token|latest/meta-data|metadata\.google|169\.254\.169\.254|computeMetadata|Missing(AccessKey|Secret)"
    r"|Missing ?(AccessKeyId|SecretAccessKey|Account)|identity/oauth2|resource=https%3A"
    r"|Account must be specified|MissingAccount"
)

_REFUSED = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken", "AuthenticationFailed"}
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for short-lived ones) and AWS_REGION, "
    "for instance by aws-actions/configure-aws-credentials",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS (a key file) or GOOGLE_OAUTH_ACCESS_TOKEN (google-github-actions/auth with "
    "token_format: access_token)",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and one of AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or "
    "AZURE_CLIENT_ID with AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE",
}
RIGHTS = {
    "s3": {
        "read": "s3:GetObject on its objects and s3:ListBucket on the bucket",
        "write": "s3:PutObject (and s3:AbortMultipartUpload) on its objects",
    },
    "gs": {
        "read": "storage.objects.get and storage.objects.list (role Storage Object Viewer)",
        "write": "storage.objects.create and, for witness.json, storage.objects.delete (role Storage Object User)",
    },
    "az": {"read": "the role Storage Blob Data Reader", "write": "the role Storage Blob Data Contributor"},
}


def bucket_is_missing(error: BaseException) -> bool:
    """Check if the whole bucket or container is missing, not only the object."""
    return bool(_NO_BUCKET.search(str(error)))


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status of an answer, if there was one."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def is_final(error: BaseException) -> bool:
    """Check if a repeat is useless: the store did answer, and not with "later"."""
    if bucket_is_missing(error) or _NO_CREDENTIALS.search(str(error)):
        return True
    code = http_status(error)
    return code is not None and 400 <= code < 500 and code not in {404, 408, 409, 412, 425, 429}


def store_error(error: BaseException, place: BucketUri, *, what: str, write: bool) -> OutsideError:
    """Return the error to raise for an error of obstore."""
    return OutsideError(f"registry {place.shown}: could not {what}: {_reason(error, place, write=write)}")


def _reason(error: BaseException, place: BucketUri, *, write: bool) -> str:
    text, answer, code = str(error), http_status(error), _code(str(error))
    if bucket_is_missing(error):
        thing = "container" if place.provider == "az" else "bucket"
        return f"the {thing} {place.bucket} does not exist; create it, or correct `registry:`"
    if (about := _about_credentials(error, code)) is not None:
        return f"{about} {CREDENTIALS[place.provider]}"
    if type(error).__name__ == "PermissionDeniedError" or answer in {401, 403}:
        return f"access denied{code}; the credentials need {RIGHTS[place.provider]['write' if write else 'read']}"
    if answer is not None:
        return f"the store answered {answer}{code}"
    return _words(text) or f"the store's client failed; check endpoint, region, and {CREDENTIALS[place.provider]}"


def _about_credentials(error: BaseException, code: str) -> str | None:
    text = str(error)
    if "decode service account" in text:
        return "the credentials file is not a service account's (one of a federation is not supported); set"
    if _NO_CREDENTIALS.search(text):
        return "credentials were not found; set"
    if type(error).__name__ == "UnauthenticatedError" or code.strip(" ()") in _REFUSED:
        return f"the credentials were refused{code}; check"
    return None


def _code(text: str) -> str:
    found = _CODE.search(text)
    return f" ({found[1] or found[2]})" if found else ""


def _words(text: str) -> str | None:
    if re.search(r"timed out|TimedOut", text):
        return "the store did not answer in time"
    if "error sending request" in text:
        return "no connection to the store; check the address (endpoint, region) and the network"
    if "decoding response body" in text or "Body" in text:
        return "the answer broke off or does not read"
    return None
