"""`mlci --log json`: standard error is JSON lines whatever happens, standard output stays, and one id joins them."""

import json
import re

import pytest

from tests.support.project import mlci, small_files, write

WORKFLOW = {
    "GITHUB_RUN_ID": "1842",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octo/model",
}


def logged(ended):
    return [json.loads(line) for line in ended.err.splitlines()]


def of_kind(ended, kind):
    return [line for line in logged(ended) if line["event"] == kind]


def test_log_json__same_standard_output(tmp_path):
    write(tmp_path, small_files())
    text, lines = mlci("run", cwd=tmp_path), mlci("--log", "json", "run", cwd=tmp_path)
    without_times = [re.sub(r"\d+\.\d s", "", ended.out) for ended in (text, lines)]
    assert without_times[0] == without_times[1]
    assert (text.code, lines.code) == (1, 1)
    assert [line["event"] for line in logged(lines)] == [
        "run_started",
        "model_selected",
        "note_shown",
        "evaluation_finished",
        "gate_evaluated",
        "note_shown",
        "run_finished",
    ]
    (gate,) = of_kind(lines, "gate_evaluated")
    assert (gate["gate"], gate["outcome"], gate["blocks"]) == ("accuracy.max_drop", "failed", True)
    assert of_kind(lines, "run_finished")[0]["code"] == 1
    assert not any(line.startswith("{") for line in text.err.splitlines())


def test_log_json__output_and_end_of_steps(tmp_path):
    settings = {
        "train": "train: {run: 'echo tok=$A_TOKEN; exit 3'}\n",
        "predict": "predict: {run: 'true', decision: p}\n",
    }
    write(tmp_path, small_files(**settings))
    ended = mlci("run", cwd=tmp_path, MLCI_LOG="json", A_TOKEN="hunter2-hunter2")
    assert ended.code == 3
    assert [line["text"] for line in of_kind(ended, "step_line")] == ["tok=***"]
    (step,) = of_kind(ended, "step_finished")
    assert (step["name"], step["outcome"], step["result"]) == ("train", "exit status 3", "failure")
    (problem,) = of_kind(ended, "problem_found")
    assert problem["message"].startswith("train failed: ")
    assert "hunter2" not in ended.err


@pytest.mark.parametrize("environment", [{}, {"GITHUB_ACTIONS": "true"}])
def test_log_json__errors_with_file_and_line(tmp_path, environment):
    write(tmp_path, {**small_files(), "mlci.yml": "model: m\ntask: maybe\n"})
    ended = mlci("run", cwd=tmp_path, MLCI_LOG="json", **environment)
    problems = of_kind(ended, "problem_found")
    assert ended.code == 2
    assert {(one["path"], one["line"]) for one in problems} >= {("mlci.yml", 2)}


def test_log_json__bug_report(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("planted")

    monkeypatch.setattr("mlci.cli.commands.run.load_configuration", fail)
    ended = mlci("run", cwd=write(tmp_path, small_files()), MLCI_LOG="json")
    assert ended.code == 70
    assert any("RuntimeError: planted" in line["text"] for line in of_kind(ended, "note_shown"))
    assert logged(ended)[-1]["code"] == 70


def test_log_json__entry_and_run_id(tmp_path):
    write(tmp_path, small_files(baseline="production"))
    ended = mlci("run", "--record", cwd=tmp_path, MLCI_LOG="json", **WORKFLOW)
    entry, *_ = of_kind(ended, "entry_appended")
    assert (entry["number"], entry["kind"], entry["run"]) == (1, "verdict", "1842.2")
    (stored,) = [json.loads(path.read_bytes()) for path in (tmp_path / ".mlci/registry").rglob("*00001*.json")]
    assert stored["by"]["run"] == of_kind(ended, "run_started")[0]["url"]
    promoted = mlci("promote", cwd=tmp_path, MLCI_LOG="json", **WORKFLOW)
    assert [one["kind"] for one in of_kind(promoted, "entry_appended")] == ["promotion"]
    assert {line["run"] for line in logged(promoted)} == {"1842.2"}


@pytest.mark.parametrize(
    ("arguments", "command", "message"),
    [
        (["--log", "json", "nonsense"], "", "No such command 'nonsense'; `mlci --help` shows the options"),
        (["--log=json", "--bogus"], "", "No such option '--bogus'. Did you mean"),
        (["--log", "json", "versions", "--limit", "x"], "versions", "Invalid value for '--limit'"),
        (["--log", "json", "s3://me:secret-word@bucket"], "", "an address on the command line holds credentials"),
    ],
)
def test_log_json__wrong_command_line(tmp_path, arguments, command, message):
    ended = mlci(*arguments, cwd=tmp_path)
    started, problem, finished = logged(ended)
    assert [one["event"] for one in (started, problem, finished)] == ["run_started", "problem_found", "run_finished"]
    assert (started["command"], finished["code"], ended.code) == (command, 2, 2)
    assert problem["message"].startswith(message)
    assert "secret-word" not in ended.err


@pytest.mark.parametrize("arguments", [["--log", "text", "nonsense"], ["nonsense", "--log", "json"]])
def test_log_text__wrong_command_line(tmp_path, arguments):
    assert "Error: No such command 'nonsense'." in mlci(*arguments, cwd=tmp_path).err
