"""The scripts of the actions: installation, outputs, exit codes and signals."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.support.workflow_commands import WRITTEN

ROOT = Path(__file__).parents[2]
LIB = ROOT / "actions/lib"


def script(name, *arguments, folder, **variables):
    paths = {
        "GITHUB_OUTPUT": folder / "output",
        "GITHUB_STEP_SUMMARY": folder / "summary",
        "RUNNER_TEMP": folder / "temp",
    }
    environment = {**os.environ, **{key: str(value) for key, value in paths.items()}, **variables}
    (folder / "temp").mkdir(exist_ok=True)
    return subprocess.run(
        ["bash", str(LIB / name), *map(str, arguments)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(folder):
    text = (folder / "output").read_text("utf-8")
    return dict(re.findall(r"^([\w-]+)<<(?:[\w-]+)\n(.*)\n[\w-]+$", text, re.MULTILINE)) | dict(
        re.findall(r"^([\w-]+)=(.*)$", text, re.MULTILINE)
    )


def contents(*folders):
    return {
        (path, path.stat().st_mtime_ns) for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Install as a step does, with the uv of the development environment found on PATH."""
    folder = tmp_path_factory.mktemp("job")
    before = contents(ROOT / "actions", ROOT / "requirements", ROOT / "templates")
    path = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    hostile = {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere", "UV_TARGET": "/nowhere", "UV_SYSTEM_PYTHON": "1"}
    done = script("install.sh", "publish=false", "none", folder=folder, PATH=path, **hostile)
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(ROOT / "actions", ROOT / "requirements", ROOT / "templates") == before
    return folder, done.stdout, path


def test_install__runs_in_any_environment(installation, tmp_path):
    folder, said, _ = installation
    assert re.search(r"^mlci with run is ready in \d+\.\d s \(uv .*environment .*packages .*\)$", said, re.MULTILINE)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"}
    (tmp_path / "click.py").write_text("raise SystemExit('not the installed one')", "utf-8")
    command = [outputs(folder)["mlci"], "--version"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mlci, version ")


def test_install__only_locked_requirements(installation):
    folder, _, _ = installation
    found = {path.name.partition("-")[0] for path in (folder / "temp/mlci").rglob("*.dist-info")}
    locked = re.findall(r"^([\w-]+)==", (ROOT / "requirements/run.txt").read_text("utf-8"), re.MULTILINE)
    assert {name.replace(".", "_") for name in found} == {name.replace("-", "_") for name in locked}


def test_install__second_step_reuses_the_environment(installation):
    folder, _, path = installation
    before = contents(folder / "temp")
    done = script("install.sh", folder=folder, PATH=path)
    assert done.returncode == 0
    assert contents(folder / "temp") == before


def test_install__copy_matches_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    wanted = set()
    for package in project["packages"]:
        source = ROOT / ("templates" if package == "mlci.templates" else package.replace(".", "/"))
        patterns = ["*.py", *project["package-data"].get(package, [])]
        wanted |= {path.relative_to(ROOT) for pattern in patterns for path in source.glob(pattern)}
    code = (
        f"import sys; sys.path.insert(0, {str(LIB)!r}); import environment; print(*(s for s, _ in environment.files()))"
    )
    command = ["python3", "-I", "-B", "-c", code]
    copied = {Path(path).relative_to(ROOT) for path in subprocess.check_output(command, text=True).split()}
    assert copied == wanted


@pytest.fixture
def library(monkeypatch):
    """Import a script as its folder's other scripts do."""
    names = {path.stem for path in LIB.glob("*.py")}
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # another worker looks for changed files
    monkeypatch.syspath_prepend(str(LIB))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["publish=yes"], "publish: 'yes' is unknown; write 'true' or 'false'"),
        (["publish=true", "bundle=True"], "bundle: 'True' is unknown; write 'true' or 'false'"),
        (["open="], "open: '' is unknown; write 'true' or 'false'"),
        (["take-alias=yes"], "take-alias: 'yes' is unknown; write 'true' or 'false'"),
        (["record=1"], "record: '1' is unknown; write 'true' or 'false'"),
        (["noise=true"], "extras: 'noise=true' is unknown"),
        (["metrics, everything"], "extras: 'everything' is unknown"),
    ],
)
def test_install__invalid_argument(library, capsys, words, says):
    assert library("install").main(words) == 2
    assert says in capsys.readouterr().out


def test_install__exit_code_of_the_step(tmp_path):
    done = script("install.sh", "publish=true", "metrics, everything", folder=tmp_path)
    assert done.returncode == 2
    assert "extras: 'everything' is unknown" in done.stdout


def test_install__no_python(tmp_path):
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("bash", "dirname", "cat"):
        (bare / name).symlink_to(Path("/usr/bin") / name)
    done = script("install.sh", folder=tmp_path, PATH=str(bare), RUNNER_TOOL_CACHE="")
    assert done.returncode == 2
    pin = json.loads((ROOT / ".github/pins.json").read_text("utf-8"))["actions/setup-python"]
    message, *lines = done.stdout.rstrip("\n").split("%0A")
    assert message == (
        "::error title=mlci needs Python 3.11 or newer::This runner has none on PATH. Add a step before this one:"
    )
    assert lines == [
        f"- uses: actions/setup-python@{pin['sha']} # {pin['version']}",
        "  with: {python-version: '3.13'}",
    ]


@pytest.mark.parametrize("code", [0, 1, 3, 70])
def test_captured__exit_code_is_stored(tmp_path, code):
    assert script("captured.sh", "bash", "-c", f"exit {code}", folder=tmp_path).returncode == 0
    assert outputs(tmp_path) == {"code": str(code)}


def test_captured__cancelled_step(tmp_path):
    waiting = f"trap 'touch {tmp_path}/cleaned; exit 5' TERM; touch {tmp_path}/started; while :; do sleep 0.1; done"
    command = ["bash", str(LIB / "captured.sh"), "bash", "-c", waiting]
    with subprocess.Popen(
        command,
        env={**os.environ, "GITHUB_OUTPUT": str(tmp_path / "output")},
        # Tests that run in the background ignore it, and bash traps no signal that was ignored before it began.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads here)
    ) as step:
        try:
            while not (tmp_path / "started").exists():
                time.sleep(0.02)
            step.send_signal(signal.SIGINT)
            assert step.wait(20) == 130
        finally:
            step.kill()
    assert (tmp_path / "cleaned").exists()
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("codes", "ends"),
    [
        (["0", "0"], 0),
        (["1", "1"], 1),
        (["0", "4"], 4),
        (["3", "1"], 3),
        (["", "0"], 1),
        (["0", "none"], 1),
        (["0", "x"], 1),
    ],
)
def test_verdict__first_code_that_is_not_0(tmp_path, codes, ends):
    assert script("verdict.sh", *codes, folder=tmp_path).returncode == ends


REPORT = {"schema": "mlci/report/1", "verdict": "warn", "baseline": {"version": "7"}}


@pytest.mark.parametrize(
    ("text", "code", "verdict", "version"),
    [
        (json.dumps(REPORT), "0", "warn", "7"),
        (json.dumps(REPORT), "-", "warn", "7"),
        (json.dumps({**REPORT, "baseline": {"version": None}}), "0", "warn", ""),
        (json.dumps({**REPORT, "verdict": "block"}), "1", "block", "7"),
        (json.dumps({**REPORT, "verdict": "block"}), "0", "error", ""),
        (json.dumps({**REPORT, "verdict": "pass"}), "1", "error", ""),
        (json.dumps({**REPORT, "verdict": "pass"}), "137", "error", ""),
        (json.dumps({**REPORT, "verdict": "pass"}), "", "error", ""),
        (json.dumps({**REPORT, "verdict": "pass\nx=1"}), "0", "error", ""),
        (json.dumps({**REPORT, "verdict": ["pass"]}), "0", "error", ""),
        (json.dumps({**REPORT, "schema": "other"}), "0", "error", ""),
        ("[" * 100_000, "0", "error", ""),
        ("[]", "0", "error", ""),
        ("", "0", "error", ""),
        (None, "0", "error", ""),
    ],
)
def test_outputs__of_reports(library, monkeypatch, tmp_path, text, code, verdict, version):
    report = tmp_path / "report.json"
    if text is not None:
        report.write_text(text, "utf-8")
    (tmp_path / "summary.md").write_text("## passed\n", "utf-8")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    assert library("outputs").main([str(report), code, "summary"]) == 0
    assert outputs(tmp_path) == {"verdict": verdict, "report": report.as_posix(), "baseline-version": version}
    expected = "" if verdict == "error" else "## passed\n"
    summary = tmp_path / "summary"
    assert (summary.read_text("utf-8") if summary.exists() else "") == expected


def test_outputs__of_a_step(installation, tmp_path):
    folder, _, _ = installation
    (tmp_path / "report.json").write_text(json.dumps(REPORT), "utf-8")
    (tmp_path / "summary.md").write_text("## passed\n", "utf-8")
    for words in ([], ["summary"]):
        assert not (tmp_path / "summary").exists()
        done = script("outputs.sh", outputs(folder)["mlci"], "report.json", "0", *words, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert outputs(tmp_path) == {"verdict": "warn", "report": "report.json", "baseline-version": "7"}
    assert (tmp_path / "summary").read_text("utf-8") == "## passed\n"


@pytest.mark.parametrize("left", [lambda path: path.write_bytes(b"\xff" * 2_000_000), os.mkfifo, Path.mkdir])
def test_outputs__pipes_and_folders_instead_of_files(installation, tmp_path, left):
    folder, _, _ = installation
    for name in ("report.json", "summary.md"):
        left(tmp_path / name)
    done = script("outputs.sh", outputs(folder)["mlci"], tmp_path / "report.json", "0", "summary", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert outputs(tmp_path)["verdict"] == "error"
    assert not (tmp_path / "summary").exists()


def test_outputs__match_the_static_check(installation, tmp_path):
    folder, _, _ = installation
    assert set(outputs(folder)) == WRITTEN["install.sh"]
    for name in ("outputs.sh", "captured.sh"):
        script(
            name, *([outputs(folder)["mlci"], "none.json", "0"] if name == "outputs.sh" else ["true"]), folder=tmp_path
        )
        assert set(outputs(tmp_path)) == WRITTEN[name]
        (tmp_path / "output").unlink()
    (tmp_path / "mlci.yml").write_text("model: m\n", "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "MLCI_"))}
    subprocess.run(
        [sys.executable, "-m", "mlci", "publish", "--ended=failure", "--code="],
        env={**environment, "GITHUB_OUTPUT": str(tmp_path / "output")},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert set(outputs(tmp_path)) == WRITTEN['"$MLCI" publish --config']


def with_env(folder, variables, *command):
    environment = {**os.environ, "VARIABLES": variables}
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(LIB / "with_env.py"), *command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_with_env__sets_variables_and_masks_each_line_first(tmp_path):
    code, lines = with_env(
        tmp_path, '{"KEY": "a%b", "PEM": "one\\ntwo"}', "bash", "-c", 'echo "$KEY ${PEM%%o*} [${VARIABLES-}]"; exit 3'
    )
    assert code == 3
    assert sorted(lines[:3]) == ["::add-mask::a%25b", "::add-mask::one", "::add-mask::two"]
    assert lines[3] == "a%b  []"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ('{"KEY": hunter2}', "env: this is not JSON; write"),
        ('["hunter2"]', "env: this is not an object of texts"),
        ('{"KEY": {"value": "hunter2"}}', "env: this is not an object of texts"),
        ('{"": "hunter2"}', "env: '' can't be a variable"),
    ],
)
def test_with_env__not_an_object_of_texts(tmp_path, variables, says):
    code, lines = with_env(tmp_path, variables, "bash", "-c", "echo ran")
    assert code == 2
    assert len(lines) == 1
    assert says in lines[0]
    assert "hunter2" not in lines[0]


def test_with_env__no_variables(tmp_path):
    assert with_env(tmp_path, "", "bash", "-c", "echo ran") == (0, ["ran"])


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_captured__replaced_output_file(tmp_path, kind):
    done = script("captured.sh", "sh", "-c", REPLACE[kind], folder=tmp_path)
    assert done.returncode == 1
    assert "was replaced by something that is not a file" in done.stdout
    assert not (tmp_path / "elsewhere").exists()


REPLACE = {
    "link": 'ln -sf "$PWD/elsewhere" "$GITHUB_OUTPUT"',
    "pipe": 'rm -f "$GITHUB_OUTPUT"; mkfifo "$GITHUB_OUTPUT"',
}
