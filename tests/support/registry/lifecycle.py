"""Projects with a registry: a model that is wrong on k rows of ten, judged, promoted, and judged against again."""

import json
from pathlib import Path

from mlci.registry import ledger
from mlci.registry.entry_kinds import Actor, Promotion
from mlci.registry.registry import Author, Registry
from mlci.registry.stores.folder import FolderStore
from mlci.util.digests import canonical_json, sha256_of
from tests.support import project
from tests.support.project import mlci
from tests.support.repository import commit, init

IGNORED = ".mlci/\nmodel.txt\ntrained.log\n"
MODEL = "planted"


def files(k, **changes):
    """Return the project's files; its baseline is production."""
    return project.files(k, **{"baseline": "production", **changes})


def repository(folder: Path, k, **changes) -> Path:
    """Commit a project whose model is wrong on k rows of ten."""
    init(folder)
    commit(folder, {".gitignore": IGNORED, **files(k, **changes)})
    return folder


def promote_run(folder: Path, *more, **environment) -> int:
    """Run and promote what is there; return the version."""
    ran = mlci("run", cwd=folder, **environment)
    assert ran.code == 0, ran.err
    done = mlci("promote", "--json", *more, cwd=folder, **environment)
    assert done.code == 0, done.err
    return done.report["version"]


def champion(folder: Path, k, **changes) -> Path:
    """Return a repository with a champion that is wrong on k rows of ten, as version 1."""
    repository(folder, k, **changes)
    assert promote_run(folder) == 1
    return folder


def store(folder: Path) -> FolderStore:
    return FolderStore(folder / ".mlci" / "registry", MODEL)


def state(folder: Path):
    return ledger.read_ledger_head(store(folder)).state


def bodies(folder: Path):
    return [entry.body for entry in ledger.iter_all(store(folder))]


def file_of(folder: Path, digest: str) -> Path:
    """Return where the registry's folder keeps a file."""
    return folder / ".mlci/registry" / MODEL / "files" / digest[:2] / digest


def manifest(folder: Path, number=1) -> dict:
    shown = mlci("show", number, "--json", cwd=folder)
    assert shown.code == 0, shown.err
    return json.loads(shown.out)["manifest"]


def manifest_digest(folder: Path, number=1) -> str:
    promotion = ledger.read_entry(store(folder), state(folder).promoted[str(number)]).body
    return promotion.manifest


def count_trainings(folder: Path) -> int:
    """Return the number of trainings in this project."""
    path = folder / "trained.log"
    return len(path.read_text().split()) if path.exists() else 0


def put(folder: Path, data: bytes) -> dict:
    """Put bytes into the registry as they are; return their description for a manifest."""
    path = folder / "loose"
    path.write_bytes(data)
    digest = sha256_of(data)
    store(folder).put(path, digest)
    path.unlink()
    return {"digest": digest, "bytes": len(data)}


def promote(folder, *more, **environment):
    return mlci("promote", "--json", *more, cwd=folder, **environment)


def reseal(bundle: Path, report: dict) -> None:
    """Put another report into a bundle, with all digests as they should be."""
    data = json.dumps(report).encode()
    (bundle / "report.json").write_bytes(data)
    content = json.loads((bundle / "bundle.json").read_text())
    content["report"].update(digest=sha256_of(data), bytes=len(data))
    (bundle / "bundle.json").write_text(json.dumps(content))
    digest = sha256_of((bundle / "bundle.json").read_bytes())
    (bundle / "bundle.sha256").write_text(f"{digest}  bundle.json\n")


def append_version(folder, **changes):
    """Append a version with a manifest of the test's choice, as any writer with access could."""
    document = {**manifest(folder), "version": 2}
    for key, value in changes.items():
        document[key] = {**document[key], **value}
    said = put(folder, canonical_json(document))
    body = Promotion(version=2, manifest=said["digest"], replaced=1)
    stamp = Author(by=Actor(), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: "x")
    Registry(store(folder), stamp).append(lambda _: body)


ABSOLUTE = "  - {metric: accuracy, min: 0.5}\n"
DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "altered": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "missing": lambda path: path.unlink(),
}
TOTALS = """\
model: planted
task: binary
predict: {metrics: metrics.json}
gates:
  - {metric: test.accuracy, max_drop: 0.05}
"""
