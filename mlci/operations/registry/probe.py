"""``mlci registry check``: test a registry with a probe, and remove the probe."""

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Literal

from mlci.errors import OutsideError
from mlci.registry import verification
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint, Clocked, Removable, Store
from mlci.registry.verification import SKEW, moment
from mlci.util.digests import sha256_of

PROBE = "mlci-check-"
_READS = 5
_DATA = b"mlci registry check\n"


@dataclass(frozen=True, kw_only=True)
class RegistryProbe:
    """One property of a registry: passed, failed with the reason, or skipped with the reason."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str = ""
    seconds: float | None = None


@dataclass
class _Checks:
    """Results of the checks so far."""

    seconds: Callable[[], float]
    found: list[RegistryProbe] = field(default_factory=list)

    def run(self, name: str, call: Callable[[], str]) -> bool:
        """Run a check, which returns a detail or raises; return whether it passed."""
        began = self.seconds()
        try:
            detail = call()
        except OutsideError as error:
            words = ". ".join(filter(None, (str(error), error.remedy)))
            self.found.append(RegistryProbe(name=name, outcome="failed", detail=words, seconds=self.seconds() - began))
            return False
        self.found.append(RegistryProbe(name=name, outcome="passed", detail=detail, seconds=self.seconds() - began))
        return True

    def skip(self, name: str, why: str) -> None:
        """Skip a check."""
        self.found.append(RegistryProbe(name=name, outcome="skipped", detail=why))


def probe_registry(
    opened: Callable[[str], Store], model: str, *, now: Callable[[], str], seconds: Callable[[], float]
) -> list[RegistryProbe]:
    """Check rights, conditional writes, clock and latency of a registry, and remove the probe.

    Args:
        opened: Opens the registry for a model of that name.
        model: The configured model.
        now: Time of this machine's clock, RFC 3339.
        seconds: Monotonic clock, in seconds.
    """
    checks, probe = _Checks(seconds), opened(f"{PROBE}{secrets.token_hex(6)}")
    checks.run("read", lambda: _end(opened(model), now()))
    if not isinstance(probe, Removable):
        checks.skip("write", "this registry takes no probe")
        return checks.found
    try:
        if checks.run("write", lambda: _write(probe)):
            checks.run("list", lambda: _expect(probe.tail() == 1, "the entry that was written is not listed"))
            checks.run("conditional writes", lambda: _conditional(probe))
            checks.run("read back", lambda: _read_back(probe))
            checks.run("latency", lambda: _latency(probe, seconds))
            _clock(checks, probe, now)
    finally:
        checks.run("delete", lambda: _delete(probe))
    return checks.found


def _expect(holds: bool, message: str) -> str:
    if not holds:
        raise OutsideError(message)
    return ""


def _end(store: Store, now: str) -> str:
    """Read the ledger head."""
    view = Registry(store).view()
    if not view.number:
        return f"{store.shown} has no entry yet"
    late = verification.checkpoint_behind(view.entry(view.number), now)
    _expect(not late, "; ".join(late))
    return f"{store.shown} has {view.number:,} entries"


def _write(probe: Store) -> str:
    _expect(probe.append(1, _DATA), "the first entry of a new ledger was refused")
    if not _keeps_files(probe):
        return "files were not tried: this registry keeps them where a probe could not be removed"
    probe.write_checkpoint(Checkpoint(number=1, digest=sha256_of(_DATA)))
    with tempfile.TemporaryDirectory(prefix="mlci-check-", ignore_cleanup_errors=True) as scratch:
        source = Path(scratch) / "file"
        source.write_bytes(_DATA)
        probe.put(source, sha256_of(_DATA))
    return ""


def _keeps_files(probe: Store) -> bool:
    return isinstance(probe, Removable) and probe.removes_files


def _conditional(probe: Store) -> str:
    """Try to write another entry under an existing number."""
    lost = "a second entry overwrote the first: of two promotions at once one would be lost"
    return _expect(not probe.append(1, b"another\n") and probe.read(1) == _DATA, lost)


def _read_back(probe: Store) -> str:
    _expect(probe.read(1) == _DATA, "the entry does not read as it was written")
    if not _keeps_files(probe):
        return ""
    with tempfile.TemporaryDirectory(prefix="mlci-check-", ignore_cleanup_errors=True) as scratch:
        target = Path(scratch) / "file"
        there = probe.get(sha256_of(_DATA), target) and target.read_bytes() == _DATA
    return _expect(there, "a file does not read as it was written")


def _latency(probe: Store, seconds: Callable[[], float]) -> str:
    """Measure the latency of reads."""
    taken = []
    for _ in range(_READS):
        began = seconds()
        probe.read(1)
        taken.append(seconds() - began)
    return f"{median(taken) * 1000:.0f} ms for a read (median of {_READS})"


def _clock(checks: _Checks, probe: Store, now: Callable[[], str]) -> None:
    """Compare this machine's clock with the store's."""
    if not isinstance(probe, Clocked):
        checks.skip("clock", "this registry has no clock that can be asked")
        return

    def compare() -> str:
        theirs, ours = probe.written_at(), moment(now())
        if theirs is None or ours is None:
            raise OutsideError("the time of the probe can't be read")
        apart = abs(theirs - ours)
        skewed = f"this machine's clock and the registry's are {timedelta(seconds=round(apart.total_seconds()))} apart"
        _expect(
            apart <= SKEW, f"{skewed}, more than {SKEW}: set the one that is wrong; promotions are refused until then"
        )
        return f"{apart.total_seconds():.0f} s apart"

    checks.run("clock", compare)


def _delete(probe: Store) -> str:
    if isinstance(probe, Removable):
        probe.remove()
    return ""
