"""Behaviour of a real process: streams, colour, signals and kills."""

import contextlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema_rs
import pytest

from mlci.report import document
from tests.support.project import Ended, files, mlci, repository, run_in_process, small_files, write
from tests.support.repository import ENVIRONMENT, git

MLCI = [sys.executable, "-m", "mlci"]
SCHEMA = json.loads(Path(document.__file__).with_name("schema.json").read_text())
ANSI = "\x1b["


def environment(**more):
    kept = {name: value for name, value in ENVIRONMENT.items() if name not in {"GITHUB_ACTIONS", "NO_COLOR", "TERM"}}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "TERM": "xterm", **more}


def process(*arguments, cwd, **more):
    return subprocess.run(
        [*MLCI, *arguments], cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False, timeout=60
    )


def on_a_terminal(*arguments, cwd, **more) -> Ended:
    """Run in this process, with a pseudo terminal as standard output and standard error."""
    controller, terminal = pty.openpty()
    chunks = []

    def read():
        with contextlib.suppress(OSError):  # Linux says EIO when the other end is closed
            while chunk := os.read(controller, 65536):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    with open(terminal, "w") as stream:  # noqa: PTH123 - a descriptor
        code = run_in_process(*arguments, cwd=cwd, out=stream, err=stream, **{"TERM": "xterm", "NO_COLOR": "", **more})
    reader.join(30)
    os.close(controller)
    return Ended(code, b"".join(chunks).decode(), "")


def test_run__json_on_stdout_and_progress_on_stderr(tmp_path):
    """By the installed program, so a module of the working folder must not replace Python's of the same name."""
    write(tmp_path, files(1, baseline="none", more="  - {metric: accuracy, min: 0.5}\n"))
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    command = [sys.executable, str(Path(sys.executable).with_name("mlci")), "run", "--json"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    jsonschema_rs.validate(SCHEMA, json.loads(ended.stdout))
    assert ended.stdout == (tmp_path / ".mlci/out/report.json").read_text()
    assert "train" in ended.stderr
    assert ANSI not in ended.stdout + ended.stderr


def test_run__colour_on_a_terminal_only(tmp_path):
    write(tmp_path, small_files())
    ended = mlci("run", cwd=tmp_path)
    assert ended.code == 1
    assert "blocked" in ended.out or "failed" in ended.out
    assert ANSI not in ended.out + ended.err
    ended = on_a_terminal("report", ".mlci/out/report.json", cwd=tmp_path)
    assert ended.code == 0
    assert ANSI + "31m" in ended.out
    plain = on_a_terminal("report", ".mlci/out/report.json", cwd=tmp_path, NO_COLOR="1")
    assert "failed" in plain.out
    assert ANSI not in plain.out
    assert ANSI in on_a_terminal("run", "--config", "absent.yml", cwd=tmp_path).out
    plain = on_a_terminal("run", "--config", "absent.yml", cwd=tmp_path, NO_COLOR="1")
    assert "absent.yml" in plain.out
    assert ANSI not in plain.out


@pytest.mark.parametrize(
    ("raised", "says"), [(RuntimeError("planted"), "RuntimeError: planted"), (SystemExit(0), "SystemExit: 0")]
)
def test_run__bug_exits_with_70(tmp_path, monkeypatch, raised, says):
    def broken(*_, **__):
        raise raised

    monkeypatch.setattr("mlci.cli.commands.run.run_and_judge", broken)
    ended = mlci("run", cwd=write(tmp_path, small_files()))
    assert (ended.code, ended.out) == (70, "")
    assert "bug in mlci" in ended.err
    assert says in ended.err
    assert not (tmp_path / ".mlci/out/report.json").exists()


def test_run__bug_is_the_exit_code_of_the_process(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import click\nclick.Group.invoke = lambda *_: exit(0)\n")
    ended = process("metrics", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (70, "")
    assert "SystemExit: 0" in ended.stderr


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run__signal_in_training_leaves_no_process_and_no_worktree(tmp_path, number):
    """As GitHub cancels a job: a signal, and soon after another one."""
    train = f"train:\n  run: sleep 300 & echo $! > '{tmp_path}/pid'; wait\n"
    folder = repository(tmp_path / "repo", files(1, train=train), files(1, train=train))
    child = subprocess.Popen([*MLCI, "run"], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < until
        time.sleep(0.02)
    sleeper = int((tmp_path / "pid").read_text())
    assert alive(sleeper)
    assert git(folder, "worktree", "list").count("\n") == 1
    child.send_signal(number)
    time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert said.splitlines()[-1] == "mlci: stopped"
    assert "Traceback" not in said
    assert not alive(sleeper)
    assert git(folder, "worktree", "list").count("\n") == 0
    assert not (folder / ".mlci/out/report.json").exists()


LOOP = """\
import os, sys
from pathlib import Path
from mlci.cli.earlier_output import read_report_file
from mlci.cli.run_output import write_report
report, out = read_report_file(Path("first/report.json")), Path("out")
for _ in sys.stdin:
    child = os.fork()
    while not child:
        write_report(report, out, as_json=True)
    print(child, file=sys.stderr, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=sys.stderr, flush=True)
"""


def test_write_reports__killed_at_any_moment(tmp_path):
    """A process writes reports in a loop and is killed at random moments."""
    write(tmp_path, small_files())
    assert mlci("run", "--no-bundle", "--out", "first", cwd=tmp_path).code == 1
    (tmp_path / "loop.py").write_text(LOOP)
    generator, out, whole = random.Random(5), tmp_path / "out", {}
    for path in (tmp_path / "first").iterdir():
        whole[path.name] = path.read_bytes()
    seen = 0
    command = [sys.executable, "loop.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), text=True, **pipes) as forking:
        for _ in range(5):
            forking.stdin.write("begin\n")
            forking.stdin.flush()
            child = int(forking.stderr.readline())
            until = time.monotonic() + 30
            while not (out / "report.json").exists() and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(generator.random() * 0.1)
            os.kill(child, signal.SIGKILL)
            assert forking.stderr.readline() == f"{-signal.SIGKILL}\n"
            for path in out.iterdir():
                if path.name in whole:
                    seen += 1
                    assert path.read_bytes() == whole[path.name]
        forking.stdin.close()
    assert seen >= 5


@pytest.mark.parametrize("words", [["metrics", "--json"], ["metrics"], ["--help"], ["ledger", "--help"]])
def test_commands__closed_standard_output(tmp_path, words):
    """No message, and not exit code 1, which means that a gate blocks."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*MLCI, *words], cwd=tmp_path, env=environment(), stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")
