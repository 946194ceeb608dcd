"""Five invariants of every attack: writes, canaries, runner commands, time and memory, and the verdict."""

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.scene import CANARY, VICTIM, Scene
from tests.support.workflow_commands import read_log, read_pairs

CPU_SECONDS, WALL_SECONDS = 10, 60
MEMORY = 600_000  # KiB of growth; the largest document that is read has 256 MiB
_OWN_COMMANDS = {"group", "endgroup"}
FORGED = "FORGED"
"""Text of every annotation that an attacker tries to make."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime"), (0,)),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
}
_scene: Scene | None = None
_strays: list[str] = []


class TooLongError(AssertionError):
    """An attack used more time than it may."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note every change to a file outside of the scene; an audit hook of this process."""
    if _scene is None or _scene.is_paused:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        _note(_scene, arguments[0])
    for place in _CHANGES.get(event, ()):
        _note(_scene, arguments[place])


def _note(scene: Scene, path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a link is not followed
    inside = name.startswith((f"{scene.work}/", f"{scene.temp}/")) or name in {str(scene.work), str(scene.temp)}
    if not inside and name != os.devnull and "__pycache__" not in name:
        _strays.append(name)


sys.addaudithook(_watch)


@contextlib.contextmanager
def watched(scene: Scene) -> Iterator[None]:
    """Watch writes, and end an attack that takes too long, by this process's time or by the clock."""
    global _scene  # noqa: PLW0603 - an audit hook cannot be removed
    kept, tempfile.tempdir = tempfile.tempdir, str(scene.temp)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _strays.clear()
    handlers = {number: signal.signal(number, _stop) for number in (signal.SIGVTALRM, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    _scene = scene
    try:
        yield
    finally:
        _scene = None
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        tempfile.tempdir = kept
        scene.growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        scene.strays = list(_strays)


def _stop(_number: int, _frame: object) -> None:
    raise TooLongError("the attack took too long")


def check(scene: Scene) -> None:
    """Check all invariants of a scene that ended.

    Raises:
        AssertionError: if one is violated; the message names it.
    """
    for invariant in (nothing_outside, no_canary, no_command, bounded, never_pass):
        invariant(scene)


def nothing_outside(scene: Scene) -> None:
    """No file outside of the work folder was written, by this process or by another."""
    assert scene.strays == [], f"written outside: {scene.strays}"
    assert {path.name for path in scene.outside.rglob("*")} == {"victim.txt"}, "a file appeared outside"
    assert scene.victim.read_text() == VICTIM, "a file outside was changed"


def no_canary(scene: Scene) -> None:
    """No secret is in any output: log, files, published texts."""
    assert CANARY not in scene.out + scene.err, "a secret in the log"
    assert not any(CANARY in text for text in scene.published), "a secret was published"
    for path, data in _files(scene):
        assert scene.planted.get(path) == data or CANARY.encode() not in data, f"a secret in {path.name}"


def no_command(scene: Scene) -> None:
    """The runner obeys nothing in the output but mlci's own groups and annotations, and no foreign file command."""
    said = read_log(f"{scene.out}\n{scene.err}")
    assert said.outputs == {}, "an output was set"
    assert said.masks == [], "a mask was set"
    assert set(said.others) <= _OWN_COMMANDS, f"commands: {said.others}"
    assert not [one for one in said.annotations if one.message.startswith(FORGED)], "a forged annotation"
    for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"):
        assert scene.runner[name].read_bytes() == b"", f"{name} was written"


def bounded(scene: Scene) -> None:
    """Memory grew by less than the largest document that is read; the time was watched."""
    assert scene.growth < MEMORY, f"{scene.growth:,} KiB more memory"


def never_pass(scene: Scene) -> None:
    """No report, output, check or status says that the candidate passed."""
    for path, data in _files(scene):
        if path.name == "report.json" and scene.planted.get(path) != data:
            assert json.loads(data)["verdict"] != "pass", f"{path.name} passes"
    with contextlib.suppress(ValueError):
        found = json.loads(scene.out)
        assert not isinstance(found, dict) or found.get("verdict") != "pass", "the verdict is pass"
    if scene.runner["GITHUB_OUTPUT"].is_file():
        assert read_pairs(scene.runner["GITHUB_OUTPUT"]).get("verdict") != "pass", "the output is pass"
    assert "success" not in scene.published, "a check or a status is green"


def _files(scene: Scene) -> Iterator[tuple[Path, bytes]]:
    for folder in (scene.work, scene.temp):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()
