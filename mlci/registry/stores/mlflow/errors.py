"""Errors of MLflow as errors of mlci.

Its messages hold whole addresses and database statements, so none is shown: its error code is, and the rest is said in
our own words. https://mlflow.org/docs/latest/rest-api.html gives the codes.
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
    """Return the error to raise for one of MLflow's, or of what it stands on."""
    code = str(getattr(error, "error_code", ""))
    words = f"registry {uri}: could not {what}: "
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFoundError(f"{words}MLflow has it no more")
    if code == "RESOURCE_ALREADY_EXISTS":
        return ConflictError(f"{words}MLflow has one of that name already")
    if code in _FINAL:
        return OutsideError(words + _FINAL[code])
    if isinstance(error, ImportError):
        return OutsideError(f"{words}MLflow keeps its artifacts where it needs the package {error.name} to reach them")
    if isinstance(error, OSError) and error.errno is not None and error.filename:  # of this machine's own files
        return OutsideError(f"{words}{error.strerror} ({error.filename})")
    return UnconfirmedError(words + _reason(error, code))


def _reason(error: Exception, code: str) -> str:
    text, module = str(error), type(error).__module__
    if "timed out" in text or "timeout exception" in text:
        return "the server did not answer in time"
    if "Max retries exceeded" in text or "Connection" in text:
        return "no connection to the server, or it failed again and again; check the address and the network"
    if module.startswith(("sqlalchemy", "sqlite3", "alembic")):
        return f"its database did not do it ({type(error).__name__})"
    if module.startswith("mlflow"):
        return f"the server failed ({code or type(error).__name__})"
    return f"its answer broke off or does not read ({type(error).__name__})"
