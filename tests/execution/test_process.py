"""Processes of steps: output, cost, failures, time-outs, and processes that are left running."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import unicodedata
from pathlib import Path

import pytest

from mlci.errors import StepError
from mlci.execution.process import ProcessLimits
from tests.support.recording import QUICK, Recording, has_ended, runner, step

PYTHON = sys.executable


def step_error(command, cwd, **more):
    with pytest.raises(StepError) as raised:
        runner().run(step(command, cwd, **more))
    assert raised.value.exit_code == 3
    return str(raised.value)


def eventually(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def test_process__output_is_streamed_and_kept(tmp_path):
    log = Recording()
    ran = runner(log).run(step("echo out; echo err >&2; printf 'no newline'", tmp_path))
    assert log.lines == ["out", "err", "no newline"]
    assert log.events == [("start", "train", "echo out; echo err >&2; printf 'no newline'"), ("end", "ended well")]
    assert (ran.status, ran.signal, ran.timed_out, ran.lines) == (0, None, False, 3)
    assert ran.tail == ("out", "err", "no newline")


def test_process__cost_of_the_command_alone(tmp_path):
    ballast = bytearray(150_000_000)  # a child that is forked from here would seem this large
    busy = "import time\nx = bytearray(60_000_000)\nwhile time.process_time() < 0.2: pass"
    (tmp_path / "busy.py").write_text(busy)
    ran = runner().run(step(f"{PYTHON} -S busy.py; true", tmp_path))
    assert ran.seconds >= 0.2
    assert 60 < ran.peak_megabytes < 100
    assert ballast[0] == 0
    assert runner().run(step("true", tmp_path)).peak_megabytes < 30


def test_process__standard_input_is_closed(tmp_path):
    assert runner().run(step("cat; echo end", tmp_path)).tail == ("end",)


def test_process__failing_line_in_the_middle(tmp_path):
    assert "exit status 1" in step_error("false\necho done", tmp_path)


def test_process__message_of_a_failure(tmp_path):
    text = step_error("echo working\necho 'boom ::x::' >&2\nexit 7", tmp_path, fix="`train.run` in mlci.yml")
    first, *rest = text.splitlines()
    assert first.startswith(
        "train failed: `echo working ⏎ echo 'boom ::x::' >&2 ⏎ exit 7` ended with exit status 7 after 0."
    )
    assert rest == [
        "the last 2 lines it printed:",
        "    working",
        "    boom ::x::",
        "to change: `train.run` in mlci.yml",
    ]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-command-here", ("exit status 127", "did not find the command")),
        ("./plain.txt", ("exit status 126", "chmod +x")),
        ("kill -9 $$", ("SIGKILL (9)", "memory ran out", "at a peak of")),
        ("sh -c 'kill -9 $$'; exit", ("exit status 137", "memory ran out")),
        ("kill -11 $$", ("SIGSEGV (11)", "crash in native code")),
        ("kill -6 $$", ("SIGABRT (6)", "abort")),
        (f"{PYTHON} -c 'import not_there'", ("exit status 1", "a Python package is missing")),
        ("source env; true", ("exit status 127", "source file")),
        ("exit 1", ("it printed nothing",)),
    ],
)
def test_process__usual_reasons(tmp_path, command, says):
    (tmp_path / "plain.txt").write_text("x")
    text = step_error(command, tmp_path)
    for words in says:
        assert words in text


def test_process__folder_not_found(tmp_path):
    assert "gone does not exist" in step_error("true", tmp_path / "gone")


def test_process__command_with_a_nul(tmp_path):
    assert "could not be started" in step_error("a\0b", tmp_path)


def test_process__memory_of_fifty_megabytes_of_output(tmp_path):
    script = textwrap.dedent(
        """
        import os, resource, sys
        from pathlib import Path
        from mlci.events.events import ignore_event
        from mlci.execution.interface import Step
        from mlci.execution.process import ProcessRunner
        run = ProcessRunner(environment=os.environ, emit=ignore_event).run
        run(Step(name="train", command="echo", cwd=Path(".")))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        line = "x" * 999
        loud = f"yes {line} | head -c 40000000; head -c 10000000 /dev/zero"
        ran = run(Step(name="train", command=loud, cwd=Path(".")))
        print(ran.lines, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
""",
    )
    done = subprocess.run([PYTHON, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines, grown = map(int, done.stdout.split())
    assert lines == 40_001
    assert grown < 10


def test_process__output_beyond_the_limit(tmp_path):
    log = Recording()
    runner(log, limits=ProcessLimits(shown_bytes=100)).run(step("seq 1 1000", tmp_path))
    assert log.lines[:3] == ["1", "2", "3"]
    assert log.lines[-51] == "… 914 lines are not shown; the last 50 of 1,000:"
    assert log.lines[-50:] == [str(number) for number in range(951, 1001)]


def test_process__binary_output(tmp_path):
    log = Recording()
    ran = runner(log).run(step("head -c 300000 /dev/urandom", tmp_path))
    assert ran.status == 0
    acting = {
        "Cc",
        "Cs",
        "Zl",
        "Zp",
    }  # controls, halves of pairs, ends of lines
    assert not [char for line in log.lines for char in line if unicodedata.category(char) in acting and char != "\t"]


def test_timeout__tree_that_ignores_sigterm(tmp_path):
    script = """
        trap '' TERM
        (trap '' TERM; sleep 100 & echo $! > inside; wait; touch late) &
        setsid sh -c 'trap "" TERM; echo $$ > outside; echo holding; while :; do sleep 1; done' &
        sleep 100; touch late
    """
    text = step_error(script, tmp_path, timeout=0.7)
    assert "took longer than its time-out of 0.7 s" in text
    assert "    holding" in text
    for name in ("inside", "outside"):
        assert has_ended(int((tmp_path / name).read_text()))
    assert not (tmp_path / "late").exists()


def test_timeout__command_ends_itself(tmp_path):
    text = step_error(
        "trap 'echo saved > state; exit 0' TERM; echo go; while :; do sleep 0.05; done", tmp_path, timeout=0.3
    )
    assert (tmp_path / "state").read_text() == "saved\n"
    assert "time-out" in text  # ended with status 0, but not in time


def test_process__background_processes_are_ended(tmp_path):
    command = "sleep 100 & echo $! > a; setsid sleep 100 > /dev/null 2>&1 & echo $! > b; echo done"
    ran = runner().run(step(command, tmp_path))
    assert (ran.status, ran.tail) == (0, ("done",))
    assert has_ended(int((tmp_path / "a").read_text()))
    assert has_ended(int((tmp_path / "b").read_text()))


def test_process__command_kills_its_group(tmp_path):
    assert "SIGTERM (15)" in step_error("kill 0; sleep 5", tmp_path)


def test_process__launcher_is_killed(tmp_path):
    assert "SIGKILL" in step_error("echo $$ > pid; kill -9 $PPID; sleep 30; touch late", tmp_path)
    assert not (tmp_path / "late").exists()
    assert eventually(lambda: has_ended(int((tmp_path / "pid").read_text())))


def test_process__mlci_is_killed(tmp_path):
    script = textwrap.dedent(
        f"""
        from pathlib import Path
        from mlci.events.events import ignore_event
        from mlci.execution.interface import Step
        from mlci.execution.process import ProcessRunner
        ProcessRunner(environment={{"PATH": "/usr/bin:/bin"}}, emit=ignore_event).run(
            Step(name="train", command="echo $$ > pid.new; mv pid.new pid; sleep 100", cwd=Path({str(tmp_path)!r})))
        """,
    )
    with subprocess.Popen([PYTHON, "-c", script]) as process:
        assert eventually((tmp_path / "pid").exists)
        process.send_signal(signal.SIGKILL)
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: has_ended(pid))


def test_process__interrupt(tmp_path):
    class Impatient(Recording):
        def line(self, text):
            raise KeyboardInterrupt(text)

    log = Impatient()
    with pytest.raises(KeyboardInterrupt):
        runner(log).run(step("echo $$ > pid; echo hello; sleep 100", tmp_path))
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert log.events[-1] == ("end", "stopped")


def test_process__no_descriptor_or_process_is_left(tmp_path):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - descriptors, not a tree
    others = children()
    for _ in range(3):
        runner().run(step("true", tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - the same
    assert children() <= others


def children():
    """Processes that this one has started and not waited for; other tests may keep some."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = entry.read_text("utf-8", "replace").rpartition(")")[2].split()[1]
            if parent == str(os.getpid()):
                found.add(entry.parent.name)
    return found


def test_process__live_log_each_second(tmp_path):
    log = Recording()
    runner(log, limits=QUICK).run(step("printf 'epoch 1\\r'; sleep 1.2", tmp_path))
    assert log.ticks == ["epoch 1"]


def test_process__tuple_without_a_shell(tmp_path):
    assert runner().run(step((PYTHON, "-c", "import sys; print(sys.argv[1:])", "$HOME"), tmp_path)).tail == (
        "['$HOME']",
    )
    assert Path(PYTHON).exists()
