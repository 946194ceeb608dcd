"""Object store URIs and the client's settings, with credentials from a given environment.

obstore itself also reads the process' own variables with these names; given settings have precedence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlci.errors import InputError
from mlci.registry.stores.request_limits import Limits

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3://", "gs://", "az://")
_ADDRESS = re.compile(r"(s3|gs|az)://([A-Za-z0-9._-]+)(?:/+(.*))?", re.DOTALL)
_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class BucketUri:
    """A parsed address: provider (``s3``, ``gs``, ``az``), bucket or container, and prefix without slashes."""

    provider: str
    bucket: str
    prefix: str

    @property
    def shown(self) -> str:
        """The address."""
        return f"{self.provider}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


def parse_bucket_uri(url: str) -> BucketUri:
    """Parse an address.

    Raises:
        InputError: if it is not an address of a supported object store.
    """
    found = _ADDRESS.fullmatch(url)
    parts = (found[3] or "").strip("/").split("/") if found else [""]
    plain = all(re.fullmatch(r"[A-Za-z0-9._=-]+", part) and part.strip(".") for part in parts if parts != [""])
    if not found or not plain:
        raise InputError(
            "registry: an object store is written s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; "
            "a prefix has letters, digits, '.', '_', '=', '-' and single '/', and nothing like '?' or a credential"
        )
    return BucketUri(found[1], found[2], "/".join(parts))


# obstore's name of a setting, and the variables that set it; the first one that is set counts.
# https://developmentseed.org/obstore lists them by store.
_S3 = {
    "access_key_id": ("AWS_ACCESS_KEY_ID",),
    "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "session_token": ("AWS_SESSION_TOKEN",),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "virtual_hosted_style_request": ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST",),
    "role_arn": ("AWS_ROLE_ARN",),
    "role_session_name": ("AWS_ROLE_SESSION_NAME",),
    "web_identity_token_file": ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    "container_credentials_relative_uri": ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    "container_credentials_full_uri": ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
    "container_authorization_token_file": ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",),
    "metadata_endpoint": ("AWS_METADATA_ENDPOINT",),
    "skip_signature": ("AWS_SKIP_SIGNATURE",),
    "server_side_encryption": ("AWS_SERVER_SIDE_ENCRYPTION",),
    "sse_kms_key_id": ("AWS_SSE_KMS_KEY_ID",),
}
_GS = {
    "service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
    "service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
    "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "bearer_token": ("GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_BEARER_TOKEN"),
    "base_url": ("GOOGLE_BASE_URL", "STORAGE_EMULATOR_HOST"),
    "skip_signature": ("GOOGLE_SKIP_SIGNATURE",),
}
_AZ = {
    "account_name": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
    "account_key": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"),
    "sas_key": ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
    "client_id": ("AZURE_CLIENT_ID",),
    "client_secret": ("AZURE_CLIENT_SECRET",),
    "tenant_id": ("AZURE_TENANT_ID",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "authority_host": ("AZURE_AUTHORITY_HOST",),
    "endpoint": ("AZURE_STORAGE_ENDPOINT",),
    "use_azure_cli": ("AZURE_USE_AZURE_CLI",),
    "msi_endpoint": ("AZURE_MSI_ENDPOINT", "IDENTITY_ENDPOINT"),
}
_SETTINGS = {"s3": _S3, "gs": _GS, "az": _AZ}
_ENDPOINTS = ("endpoint", "base_url")


def store_settings(place: BucketUri, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return obstore's configuration for an address from variables; empty ones do not count."""
    found: dict[str, Any] = {}
    for name, variables in _SETTINGS[place.provider].items():
        value = next((environment[one] for one in variables if environment.get(one)), None)
        if value is not None:
            found[name] = value.lower() in _TRUE if name in {"skip_signature", "use_azure_cli"} else value
    if environment.get("STORAGE_EMULATOR_HOST"):
        found.setdefault("bearer_token", "emulator")  # emulators need none, but obstore requires one before it writes
    if "base_url" in found and "://" not in found["base_url"]:
        found["base_url"] = f"http://{found['base_url']}"
    return found


def store_client(place: BucketUri, environment: Mapping[str, str], limits: Limits) -> "ObjectStore":
    """Build obstore's client, without sending a request.

    Raises:
        InputError: if obstore is not installed.
        BaseException: if obstore rejects the settings, by its own error.
    """
    try:
        from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415 - the optional extra
    except ImportError as error:
        raise InputError(f"registry {place.shown} needs obstore: pip install 'mlci[objects]'") from error
    config = store_settings(place, environment)
    plain = any(str(config.get(name, "")).startswith("http://") for name in _ENDPOINTS)
    kind: Any = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[place.provider]
    built: ObjectStore = kind(
        place.bucket,
        config=config,
        client_options={
            "allow_http": plain,
            "connect_timeout": timedelta(seconds=limits.connect),
            "read_timeout": timedelta(seconds=limits.request),
            "timeout": timedelta(seconds=limits.request),
        },
        retry_config={
            "max_retries": limits.retries,
            "retry_timeout": timedelta(seconds=limits.total),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
        },
    )
    return built
