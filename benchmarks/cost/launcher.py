"""Run one command and print what it used, as JSON. Nothing but the standard library: it has to stay small.

A process starts out with the peak memory of the one that it was forked from (Linux carries ``ru_maxrss`` over
``execve``), so that a measurement from inside a large benchmark would measure the benchmark.
"""

import json
import os
import sys
import time

KIB = 1024 if sys.platform != "darwin" else 1


def main(log: str, argv: list[str]) -> None:
    """Run ``argv`` with its output in ``log``; CPU and memory are those of the process and of all it waited for."""
    begun = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.execv(argv[0], argv)  # noqa: S606 - no shell is the point
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    figures = {
        "status": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * KIB,
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
