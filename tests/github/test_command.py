"""`python -m tests.github`, as a user and as other processes use it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.fake_github.fake import Fake

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start_command(tmp_path):
    """The command as a separate process: its address, the variables to export, and its end."""
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "tests.fake_github", "--repo", str(tmp_path / "m.git"), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        lines = []
        while not lines or not lines[-1].startswith("Look at"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line.rstrip("\n"))
        words = [line.removeprefix("export ").partition("=") for line in lines if line.startswith("export ")]
        return process, lines[0], {name: value for name, _, value in words}

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def wait_for_exit(process):
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    return process.returncode, errors


def test_command__environment_and_saved_state(start_command, tmp_path):
    process, url, names = start_command("--state", str(tmp_path / "state.json"))
    assert names["GITHUB_API_URL"] == url
    event = json.loads(Path(names["GITHUB_EVENT_PATH"]).read_text("utf-8"))
    at = event["pull_request"]["comments_url"]
    headers = {"Authorization": f"Bearer {names['GITHUB_TOKEN']}"}
    body = "| a | b |\n|---|---|\n| ✅ | <script>x</script> |"
    assert requests.post(at, json={"body": body}, headers=headers, timeout=5).status_code == 201
    page = requests.get(f"{url}/octo-org/model/pull/1", timeout=5).text
    assert "<td>✅</td>" in page
    assert "<script>" not in page
    assert "Less regularisation" in requests.get(url, timeout=5).text
    assert requests.get(f"{url}/_fake/count", timeout=5).json() == {"count": 1}
    assert wait_for_exit(process) == (0, "")
    tables = json.loads((tmp_path / "state.json").read_text("utf-8"))["tables"]
    assert [row["body"] for row in tables["comments"]] == [body]
    again = Fake(tmp_path / "m.git", state=tmp_path / "state.json")
    assert [comment["body"] for comment in again.comments(1)] == [body]
    again.main.server_close()
    again._storage.server_close()


def test_command__exit_status_after_a_broken_contract(start_command):
    process, url, names = start_command()
    headers = {"Authorization": f"Bearer {names['GITHUB_TOKEN']}"}
    at = f"{url}/repos/{names['GITHUB_REPOSITORY']}/check-runs"
    assert requests.post(at, json={"name": "n"}, headers=headers, timeout=5).status_code == 422
    code, errors = wait_for_exit(process)
    assert code == 1
    assert '"head_sha" wasn\'t supplied.' in errors


def test_admin__every_request(fake):
    def ask(method, door, body=None, /, **query):
        answer = requests.request(method, f"{fake.url}/_fake/{door}", json=body, params=query, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    token = ask("POST", "tokens", {"permissions": {"issues": "write"}, "app": "bot"})["token"]
    number = ask("POST", "pulls", {"head": "topic", "fork": True})["number"]
    ask("POST", "comments", {"number": number, "body": "x"})
    ask("POST", "faults", {"method": "POST", "path": "/comments", "status": 503})
    at, headers = f"{fake.url}/repos/{fake.name}/issues/1/comments", {"Authorization": f"token {token}"}
    assert [requests.post(at, json={"body": "y"}, headers=headers, timeout=5).status_code for _ in "ab"] == [503, 201]
    ask("DELETE", "faults")
    ask("POST", "pace", {"jitter": 0.001, "seed": 1})
    assert [comment["user"]["login"] for comment in ask("GET", "comments", number=number)] == ["octocat", "bot[bot]"]
    assert [entry["fault"] for entry in ask("GET", "requests")] == ["status before", None]
    assert ask("GET", "violations") == ask("GET", "failures") == ask("GET", "check_runs") == []
    assert ask("GET", "statuses", sha=fake.sha("main")) == []
    assert ask("GET", "pulls")[0]["number"] == number
    assert ask("GET", "event", name="pull_request", number=number, action="closed")["action"] == "closed"
    assert "pulls" in ask("GET", "state")["tables"]
    ask("DELETE", "requests")
    assert ask("GET", "count") == {"count": 0}


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", "nonsense", None, 404),
        ("POST", "pulls", {"head": "nowhere"}, 400),
        ("POST", "faults", {"kind": "earthquake"}, 400),
    ],
)
def test_admin__invalid_requests(fake, method, name, body, status):
    answer = requests.request(method, f"{fake.url}/_fake/{name}", json=body, timeout=5)
    assert answer.status_code == status
    assert answer.json()["message"]
