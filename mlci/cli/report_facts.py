"""Facts of a report that are known before anything is measured: model, commit, policy, configuration, versions."""

import sys
from pathlib import Path

from mlci import __version__
from mlci.config.loader import LoadedConfig
from mlci.operations.report_builder import ReportContext, policy_ref
from mlci.report.document import BaselineRef, Candidate
from mlci.util.digests import sha256_of


def report_facts(loaded: LoadedConfig, *, commit: str | None) -> ReportContext:
    """Return the facts of a report on a commit."""
    digest = sha256_of(Path(loaded.path).read_bytes())
    return ReportContext(
        model=loaded.config.model,
        candidate=Candidate(commit=commit),
        baseline=BaselineRef(source="none"),
        policy=policy_ref(loaded.config),
        config_digest=f"sha256:{digest}",
        config_path=_shown(loaded.path),
        versions=_versions(),
        records_waivers=loaded.config.baseline == "production",
    )


def _shown(path: str) -> str:
    """Return a path relative to the working folder if it is inside, else unchanged."""
    full, here = Path(path).resolve(), Path.cwd().resolve()
    return full.relative_to(here).as_posix() if full.is_relative_to(here) else path


def _versions() -> dict[str, str]:
    from importlib.metadata import version  # noqa: PLC0415 (only a report needs it)

    packages = {name: version(name) for name in ("duckdb", "numpy")}
    return {"mlci": __version__, "python": ".".join(map(str, sys.version_info[:3])), **packages}
