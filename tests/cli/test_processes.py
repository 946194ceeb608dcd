"""Behaviour of a real process: streams, colour, signals, kills, and no network."""

import json
import os
import pty
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema_rs
import pytest

from mlci.report import document
from tests.support.project import files, repository, small_files, write
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


def on_a_terminal(*arguments, cwd, **more):
    """Run on a pseudo terminal and return the exit code and the output."""
    controller, terminal = pty.openpty()
    child = subprocess.Popen([*MLCI, *arguments], cwd=cwd, env=environment(**more), stdout=terminal, stderr=terminal)
    os.close(terminal)
    output = b""
    while select.select([controller], [], [], 30)[0]:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(controller)
    return child.wait(30), output.decode()


def test_run__json_on_stdout_and_progress_on_stderr(tmp_path):
    write(tmp_path, files(1, baseline="none", more="  - {metric: accuracy, min: 0.5}\n"))
    ended = process("run", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    jsonschema_rs.validate(SCHEMA, json.loads(ended.stdout))
    assert ended.stdout == (tmp_path / ".mlci/out/report.json").read_text()
    assert "train" in ended.stderr
    assert ANSI not in ended.stdout + ended.stderr


def test_run__colour_on_a_terminal_only(tmp_path):
    write(tmp_path, small_files())
    ended = process("run", cwd=tmp_path)
    assert ended.returncode == 1
    assert "blocked" in ended.stdout or "failed" in ended.stdout
    assert ANSI not in ended.stdout + ended.stderr
    code, output = on_a_terminal("report", ".mlci/out/report.json", cwd=tmp_path)
    assert code == 0
    assert ANSI + "31m" in output
    _, output = on_a_terminal("report", ".mlci/out/report.json", cwd=tmp_path, NO_COLOR="1")
    assert "failed" in output
    assert ANSI not in output
    _, output = on_a_terminal("run", "--config", "absent.yml", cwd=tmp_path)
    assert ANSI in output
    _, output = on_a_terminal("run", "--config", "absent.yml", cwd=tmp_path, NO_COLOR="1")
    assert ANSI not in output


@pytest.mark.parametrize(
    ("raised", "said"), [("RuntimeError('planted')", "RuntimeError: planted"), ("SystemExit(0)", "SystemExit: 0")]
)
def test_run__bug_exits_with_70(tmp_path, raised, said):
    (tmp_path / "sitecustomize.py").write_text(
        f"import mlci.cli.commands.run\ndef broken(*a, **k):\n    raise {raised}\n"
        "mlci.cli.commands.run.run_and_judge = broken\n"
    )
    write(tmp_path, small_files())
    ended = process("run", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 70
    assert "bug in mlci" in ended.stderr
    assert said in ended.stderr
    assert ended.stdout == ""
    assert not (tmp_path / ".mlci/out/report.json").exists()


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


def test_write_reports__killed_at_any_moment(tmp_path):
    """A process writes reports in a loop and is killed at random moments."""
    write(tmp_path, small_files())
    assert process("run", "--no-bundle", "--out", "first", cwd=tmp_path).returncode == 1
    (tmp_path / "loop.py").write_text(
        "from pathlib import Path\n"
        "from mlci.cli.run_output import write_report\n"
        "from mlci.cli.commands.report import read_report_file\n"
        "report, out = read_report_file(Path('first/report.json')), Path('out')\n"
        "while True:\n    write_report(report, out, as_json=True)\n"
    )
    generator, out, whole = random.Random(5), tmp_path / "out", {}
    for path in (tmp_path / "first").iterdir():
        whole[path.name] = path.read_bytes()
    seen = 0
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "loop.py"], cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while not (out / "report.json").exists() and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(generator.random() * 0.1)
        child.kill()
        child.wait()
        for path in out.iterdir():
            if path.name in whole:
                seen += 1
                assert path.read_bytes() == whole[path.name]
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


NO_NETWORK = """\
import socket
def refuse(*a, **k):
    raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
"""


def test_demo__same_bytes_without_a_network(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    texts = []
    for place, threads in (("one", {0}), ("two", None)):
        folder = tmp_path / place
        folder.mkdir()
        with_threads = {0} if threads else os.sched_getaffinity(0)
        ended = subprocess.run(
            [*MLCI, "demo"],
            cwd=folder,
            env=environment(PYTHONPATH=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda cores=with_threads: os.sched_setaffinity(0, cores),
        )
        assert ended.returncode == 0, ended.stderr
        report = json.loads((folder / ".mlci/demo/report.json").read_text())
        report["provenance"]["seconds"] = None
        texts.append((report, (folder / ".mlci/demo/comment.md").read_bytes(), ended.stdout))
    assert texts[0] == texts[1]
    outcomes = {gate["outcome"] for gate in texts[0][0]["gates"]}
    assert {"passed", "inconclusive"} <= outcomes <= {"passed", "inconclusive"}
    unsure = [gate for gate in texts[0][0]["gates"] if gate["outcome"] == "inconclusive"]
    assert all(gate["rows_needed"] for gate in unsure)


def test_commands__modules_in_the_working_folder(tmp_path):
    """A module of the working folder must not replace Python's of the same name."""
    write(tmp_path, small_files())
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    script = [sys.executable, str(Path(sys.executable).with_name("mlci"))]
    ended = subprocess.run([*script, "run"], cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert ended.returncode == 1
