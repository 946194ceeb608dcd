"""Errors of MLflow as errors of mlci.

Its messages contain whole addresses and database statements, so none is shown: only its error code is, with a message
of mlci. https://mlflow.org/docs/latest/rest-api.html lists the codes.
"""

from mlci.errors import OutsideError
from mlci.registry.stores.errors import ConflictError, NotFoundError, UnconfirmedError

_CREDENTIALS = (
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in the environment of the job"
)
_RIGHTS = (
    "the account needs to read and edit experiments and registered models whose names begin with `mlci`, and to create "
    "them the first time"
)
_FINAL = {
    "UNAUTHENTICATED": f"the server wants credentials or refused them; {_CREDENTIALS}",
    "CUSTOMER_UNAUTHORIZED": f"the server wants credentials or refused them; {_CREDENTIALS}",
    "PERMISSION_DENIED": f"access denied; {_RIGHTS}",
    "ENDPOINT_NOT_FOUND": "no MLflow server of today answers at that address; correct `registry:`",
    "NOT_FOUND": "no MLflow server of today answers at that address; correct `registry:`",
    "INVALID_PARAMETER_VALUE": "MLflow refused the request (INVALID_PARAMETER_VALUE)",
    "BAD_REQUEST": "MLflow refused the request (BAD_REQUEST)",
    "INVALID_STATE": "MLflow refused the request (INVALID_STATE)",
}


def to_outside_error(error: Exception, uri: str, *, what: str) -> OutsideError:
    """Return the error to raise for an error of MLflow or of its libraries."""
    code = str(getattr(error, "error_code", ""))
    words = f"registry {uri}: could not {what}: "
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFoundError(f"{words}it no longer exists in MLflow")
    if code == "RESOURCE_ALREADY_EXISTS":
        return ConflictError(f"{words}MLflow already has one with that name")
    if code in _FINAL:
        return OutsideError(words + _FINAL[code])
    if isinstance(error, ImportError):
        return OutsideError(f"{words}MLflow needs the package {error.name} to reach its artifacts; install it")
    if isinstance(error, OSError) and error.errno is not None and error.filename:  # about a local file
        return OutsideError(f"{words}{error.strerror} ({error.filename})")
    return UnconfirmedError(words + _reason(error, code))


def _reason(error: Exception, code: str) -> str:
    text, module = str(error), type(error).__module__
    if "timed out" in text or "timeout exception" in text:
        return "the server did not answer in time"
    if "Max retries exceeded" in text or "Connection" in text:
        return "no connection to the server, or it failed again and again; check the address and the network"
    if module.startswith(("sqlalchemy", "sqlite3", "alembic")):
        return f"its database failed ({type(error).__name__})"
    if module.startswith("mlflow"):
        return f"the server failed ({code or type(error).__name__})"
    return f"its answer broke off or does not read ({type(error).__name__})"
