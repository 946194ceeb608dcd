"""Launcher: start one command, measure it, and end its whole process tree. Standard library only.

It is a separate process for two reasons. Memory: on Linux a child begins with the resident size of the process that
forked it (``exec`` folds the old memory's high-water mark into ``ru_maxrss``), so a child of mlci would seem as large
as mlci with DuckDB; this small process keeps the figure correct. Clean-up: it adopts orphans
(``PR_SET_CHILD_SUBREAPER``, prctl(2)), so it finds descendants that left the process group as well, and it ends them if
mlci is killed, because its standard input closes.

Usage: ``python -I -S launcher.py REPORT_FD COMMAND…``. A byte on standard input sends SIGTERM to the command's group;
the end of standard input kills all remaining processes. One line of JSON about the command goes to the file descriptor
REPORT_FD.

Its imports are few on purpose: every step waits for them, and ``contextlib``, ``json`` and ``pathlib`` would double its
cost.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # include/uapi/linux/prctl.h


def main(report: int, command: list[str]) -> None:
    """Run the command, report on it, and stay until the parent asks to clean up."""
    os.set_inheritable(report, False)
    _control(_PR_SET_CHILD_SUBREAPER, 1)
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # the pipe must end with the command, not with the launcher
    os.dup2(null, 2)
    keeper = threading.Thread(target=_keep, args=(pid,))
    keeper.start()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - begun
    facts = f'{{"status": {status}, "seconds": {seconds!r}, "maxrss": {usage.ru_maxrss}}}\n'
    try:  # noqa: SIM105 - no contextlib, as below
        os.write(report, facts.encode())
    except OSError:  # mlci has ended
        pass
    os.close(report)
    keeper.join()


def _become(command: list[str]) -> None:
    """Replace this child process by the command: own session, empty input, default signals, ended with the launcher."""
    os.setsid()
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these two; commands expect them
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's command
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _control(option: int, value: int) -> None:
    """Call prctl(2) on Linux; do nothing on other systems, or if it is refused."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - 10 ms that other systems need not pay

        try:  # noqa: SIM105
            ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0)
        except (OSError, AttributeError):
            pass


def _keep(pid: int) -> None:
    """Follow standard input: send SIGTERM for each byte, and kill all processes when it closes."""
    while os.read(0, 1):
        _kill(os.killpg, pid, signal.SIGTERM)
    _kill(os.killpg, pid, signal.SIGKILL)
    for _ in range(300):
        alive = [] if _is_childless() else _list_descendants()
        for other in alive:
            _kill(os.kill, other, signal.SIGKILL)
        if not alive:
            return
        time.sleep(0.01)


def _kill(kill: Callable[[int, int], None], target: int, number: int) -> None:
    try:  # noqa: SIM105
        kill(target, number)
    except OSError:  # it has ended
        pass


def _is_childless() -> bool:
    """Return whether no child exists: on Linux every descendant would be one, or be below one."""
    if sys.platform != "linux":
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def _list_descendants() -> list[int]:
    """Return all running processes below this one, from ``/proc`` (proc(5), *stat*); empty if it does not exist."""
    parents: dict[int, int] = {}
    running = set()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH208, PTH112 - no pathlib
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123 - no pathlib
                state, parent = stream.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):  # it has ended
            continue
        parents[int(name)] = int(parent)
        if state not in b"ZX":
            running.add(int(name))
    pids = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in pids} - pids
        pids |= more
        grown = bool(more)
    return sorted((pids - {os.getpid()}) & running)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
