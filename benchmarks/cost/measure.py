"""Measure everything in one run: subjects take turns in alternating order, so that a busy minute hits all of them.

A subject's figure is its fastest turn: whatever else a machine does only ever adds to a time.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cost import jobs, start, targets
from benchmarks.cost.catalogue import BOUNDS, COLD, FLOOR, OURS, POINTS, RESAMPLED, WARM, Bootstrap, Subject, warm
from benchmarks.cost.process import SubjectError, Usage, fastest, run

Say = Callable[[str], None]
Warm = dict[str, tuple[float, float]]
MANY = 90
_TIMEOUT = 1800.0
_TURNS = 5


@dataclass
class Size:
    """Measurements at one number of rows.

    Attributes:
        cold: Usage by subject; for bootstraps extrapolated to 1,000 replicates.
        warm: Least (wall, CPU) by subject.
        missing: Why a subject has no figures.
    """

    cold: dict[str, Usage] = field(default_factory=dict)
    warm: Warm = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Groups:
    """CPU seconds of everything in one file, warm, for 27 groups and for 270: with all rows, and with half of them."""

    rows: int
    few: tuple[float, float]
    many: tuple[float, float]

    @property
    def per_row(self) -> float:
        """Cost of each further row with 270 groups over that with 27: 10 if rows were multiplied by groups."""
        slope = self.few[0] - self.few[1]
        return (self.many[0] - self.many[1]) / slope if slope > 0 else float("nan")


@dataclass
class Results:
    """One run of the benchmark."""

    sizes: dict[int, Size] = field(default_factory=dict)
    groups: Groups | None = None
    imports: float | None = None
    starts: dict[str, Usage] = field(default_factory=dict)


def everything(rows: list[int], *, peers: bool, say: Say) -> Results:
    """Measure all subjects at every number of rows."""
    results = Results()
    with tempfile.TemporaryDirectory(prefix="mlci-cost-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        results.imports, results.starts = start.imports(folder), start.starts(folder)
        for size in rows:
            say(f"{size:,} rows")
            with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
                results.sizes[size] = _size(Path(place), size, peers=peers, say=say)
        if rows:
            try:
                results.groups = _groups(folder, rows[-1], say)
            except SubjectError as error:
                say(f"  groups: {error}")
    return results


def make(folder: Path, rows: int, *, groups: int = 9, joined: bool = True) -> None:
    """Write the data in a separate process, so that this one stays small."""
    call = f"from pathlib import Path; from benchmarks.cost import data; data.write(Path({str(folder)!r}), {rows}, "
    root = Path(__file__).parents[2]
    run([sys.executable, "-c", f"{call}groups={groups}, joined={joined})"], folder=root, timeout=_TIMEOUT)
    jobs.write(folder)


def _size(folder: Path, rows: int, *, peers: bool, say: Say) -> Size:
    make(folder, rows)
    found = Size()
    subjects = [subject for subject in (*COLD, *(POINTS if peers else ())) if rows <= subject.most]
    in_turns(subjects, folder, found, say)
    try:
        found.warm = stages(folder, WARM, _TURNS)
    except SubjectError as error:
        found.missing["warm"] = str(error)
        say(f"  warm: {error}")
    for name, (wall, cpu) in found.warm.items():
        say(f"  {name}, warm: {wall:.3f} s, CPU {cpu:.3f} s")
    for peer in RESAMPLED if peers else ():
        if rows <= peer.most:
            _bootstrap(peer, folder, rows, found, say)
    return found


def in_turns(subjects: list[Subject], folder: Path, found: Size, say: Say) -> None:
    """Run subjects one after the other, in alternating order, until each has had its turns."""
    taken: dict[str, list[Usage]] = {}
    for turn in range(max(subject.times for subject in subjects)):
        for subject in subjects if turn % 2 == 0 else reversed(subjects):
            if turn >= subject.times or subject.name in found.missing:
                continue
            try:
                taken.setdefault(subject.name, []).append(run(subject.argv(folder), folder=folder, timeout=_TIMEOUT))
            except (SubjectError, OSError) as error:
                found.missing[subject.name] = str(error)
                say(f"  {subject.name}: {error}")
                continue
            last = taken[subject.name][-1]
            say(f"  {subject.name}: {last.wall:.3f} s, CPU {last.cpu:.3f} s, {last.peak / 2**20:,.0f} MiB")
    found.cold.update({name: fastest(usages) for name, usages in taken.items() if name not in found.missing})


def stages(folder: Path, names: tuple[str, ...], turns: int) -> Warm:
    """Measure stages in one warm process; the fastest turn of each."""
    usage = run(warm(folder, turns, names), folder=folder, timeout=_TIMEOUT)
    seconds = json.loads(usage.output.splitlines()[-1])
    return {name: (min(wall for wall, _ in taken), min(cpu for _, cpu in taken)) for name, taken in seconds.items()}


def _bootstrap(peer: Bootstrap, folder: Path, rows: int, found: Size, say: Say) -> None:
    """Run a bootstrap with two small numbers of replicates and extrapolate."""
    counts = peer.replicates(rows)
    try:
        few, more = (run(peer.argv(folder, count), folder=folder, timeout=_TIMEOUT) for count in counts)
        say(f"  {peer.name}: {few.wall:.1f} and {more.wall:.1f} s for {counts[0]} and {counts[1]} replicates")
        wall = targets.extrapolate((counts[0], few.wall), (counts[1], more.wall)) * peer.share
        cpu = targets.extrapolate((counts[0], few.cpu), (counts[1], more.cpu)) * peer.share
        found.cold[peer.name] = Usage(wall, cpu, max(few.peak, more.peak))
    except (SubjectError, OSError, ValueError) as error:
        found.missing[peer.name] = str(error)
        say(f"  {peer.name}: {error}")


def _groups(folder: Path, rows: int, say: Say) -> Groups:
    """Measure everything in one file with 27 groups and with 270, at so many rows and at half as many."""
    taken = {}
    for groups in (9, MANY):
        for size in (rows, rows // 2):
            with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
                make(Path(place), size, groups=groups, joined=False)
                taken[groups, size] = stages(Path(place), ("all-one",), _TURNS)["all-one"][1]
            say(f"  {3 * groups} groups, {size:,} rows: CPU {taken[groups, size]:.3f} s")
    few, many = ((taken[groups, rows], taken[groups, rows // 2]) for groups in (9, MANY))
    return Groups(rows, few, many)


def figures(results: Results) -> dict[str, float]:
    """Return every figure that a target is judged on, where it was measured."""
    found: dict[str, float] = {}
    if results.imports is not None:
        found["imports"] = results.imports
    if results.groups is not None:
        found["groups"] = results.groups.per_row
    if middle := results.sizes.get(targets.MIDDLE):
        found |= _against_bootstraps(middle)
    if large := results.sizes.get(targets.LARGE):
        found |= _against_floors(large)
    if middle and large and "all-one" in middle.warm and "all-one" in large.warm:
        found["linear"] = large.warm["all-one"][0] / middle.warm["all-one"][0]
    return found


def _against_bootstraps(size: Size) -> dict[str, float]:
    cpu = [size.cold[peer.name].cpu for peer in RESAMPLED if peer.name in size.cold]
    return {"bootstrap": min(cpu) / size.cold["all-one"].cpu} if cpu and "all-one" in size.cold else {}


def over(size: Size, bound: str) -> dict[str, float]:
    """Return counts and everything in one file over a way of reading the columns: warm, and cold."""
    found: dict[str, float] = {}
    for figure, name in (("counts", "counts-one"), ("everything", "all-one")):
        if bound in size.warm and name in size.warm:
            found[figure] = size.warm[name][0] / size.warm[bound][0]
        if bound in size.cold and name in size.cold:
            found[f"{figure}_cold"] = size.cold[name].wall / size.cold[bound].wall
    return found


def bounds(results: Results) -> dict[str, dict[str, float]]:
    """Return these ratios for the floor and for what does less, at the largest size."""
    large = results.sizes.get(targets.LARGE)
    return {bound: over(large, bound) for bound in BOUNDS} if large else {}


def _against_floors(size: Size) -> dict[str, float]:
    found = over(size, FLOOR)
    for figure, name in (("join_counts", "counts-joined"), ("join_everything", "all-joined")):
        if "join" in size.warm and name in size.warm:
            found[figure] = size.warm[name][0] / size.warm["join"][0]
        if "join" in size.cold and name in size.cold:
            found[f"{figure}_cold"] = size.cold[name].wall / size.cold["join"].wall
    if all(name in size.cold for name in OURS):
        found["peak"] = max(size.cold[name].peak for name in OURS) / 2**30
    return found
