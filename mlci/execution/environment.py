"""Environment of child processes: the variables that are passed on, those withheld, and isolated mode.

The command gets mlci's environment without GitHub's tokens, the runner's internal addresses, the files through which a
job sets outputs and variables, mlci's own variables, and the credentials that the configured registry and an
OpenTelemetry collector use, unless the step names them. Everything else stays: ``PATH``, virtual environments,
``CUDA_VISIBLE_DEVICES``, and other credentials that the workflow's author gave to the command (``HF_TOKEN``).

A limit: on Linux any process of the same user can read the environment that its parent was *started* with from
``/proc/<pid>/environ``. :func:`hide_environment` closes that for ordinary users; against root, as in many job
containers, nothing inside the same container helps, and a token should not be in that job at all.

Isolated mode (``-I``) keeps the work folder and ``PYTHONPATH`` off the module path, so that a ``json.py`` or
``numpy.py`` beside ``mlci.yml`` shadows nothing. It also excludes the user's site folder, which may be where mlci is
installed: installed folders of this process are added at the end.
"""

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlci.util.withheld_variables import NEVER_GIVEN

_PR_SET_DUMPABLE = 4  # include/uapi/linux/prctl.h


_CREDENTIALS = {
    "s3:": ("AWS_",),
    "gs:": ("GOOGLE_", "GCLOUD_", "CLOUDSDK_"),
    "az:": ("AZURE_", "MSI_", "IDENTITY_"),
    "mlflow:": ("MLFLOW_", "DATABRICKS_"),
}


def registry_credentials(place: str) -> tuple[str, ...]:
    """Return the prefixes of the variables from which a registry takes its credentials."""
    return next((names for scheme, names in _CREDENTIALS.items() if place.startswith(scheme)), ())


COLLECTOR_CREDENTIALS = (
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
)
"""Variables with the key of an OpenTelemetry collector, which mlci itself uses."""


def list_withheld(parent: Mapping[str, str], credentials: tuple[str, ...], named: Sequence[str] = ()) -> list[str]:
    """Return the names of the credentials of registry and collector that a command does not get."""
    return sorted(name for name in parent if name.upper().startswith(credentials) and name not in named)


def child_environment(
    parent: Mapping[str, str],
    extra: Mapping[str, str],
    *,
    credentials: tuple[str, ...] = (),
    named: Sequence[str] = (),
) -> dict[str, str]:
    """Return the environment for a user's command.

    Variables that begin with one of ``credentials`` are removed, unless the step names them. Python in the command
    writes its output at once (``PYTHONUNBUFFERED``) unless the variable is set already: through a pipe it would
    buffer 8 KiB, and the last lines before a crash or a time-out would be lost.
    """
    absent = set(list_withheld(parent, credentials, named))
    kept = {name: value for name, value in parent.items() if not NEVER_GIVEN.fullmatch(name) and name not in absent}
    return {"PYTHONUNBUFFERED": "1", **kept, **extra}


def hide_environment() -> bool:
    """Make this process's ``/proc/<pid>/environ`` and memory unreadable to other processes of the same user.

    Sets Linux's "dumpable" attribute to 0 (prctl(2), *PR_SET_DUMPABLE*; proc(5)). Children that are started by exec are
    not affected. Call it before the first step.

    Returns:
        Whether the kernel accepted it; ``False`` off Linux. It does not protect against processes of root.
    """
    if sys.platform != "linux":
        return False
    try:
        return int(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False


_INSTALLED = ("site-packages", "dist-packages")
_START = (
    "import os, runpy, site, sys\n"
    "for folder in sys.argv.pop(1).split(os.pathsep):\n"
    "    if folder not in sys.path: site.addsitedir(folder)\n"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n"
)


def isolated_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs one of mlci's modules in isolated mode."""
    package = str(Path(__file__).resolve().parents[2])
    installed = [entry for entry in sys.path if Path(entry).name in _INSTALLED and Path(entry).is_absolute()]
    return (sys.executable, "-I", "-c", _START, os.pathsep.join([*installed, package]), module, *arguments)


def add_folders(*folders: str) -> None:
    """Add the user's folders to this isolated process's module path: after the standard library, before packages."""
    places = [place for place, entry in enumerate(sys.path) if Path(entry).name in _INSTALLED]
    first = places[0] if places else len(sys.path)
    sys.path[first:first] = [str(Path(folder).absolute()) for folder in folders if folder]
