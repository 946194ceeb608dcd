"""Publishing by real processes: several at once, and one that is killed between a request's effect and its answer."""

import os
import shutil
import subprocess
import sys

import pytest

from mlci.report.document import Candidate
from mlci.report.serialization import dump_report
from tests.fake_github.fake import Fake
from tests.publish.job import CONFIG
from tests.support.publish.scene import NAME, bad, good, stands, wide

MLCI = [sys.executable, "-m", "mlci", "publish", "report.json", "--ended", "success", "--code"]


@pytest.fixture
def pull(fake):
    return fake.pull("topic")


def start_publisher(fake, folder, pull, *, run, report, token, **environment):
    """A publisher as a workflow starts it."""
    folder.mkdir()
    (folder / "mlci.yml").write_text(CONFIG.replace("POLICY", "always"))
    changed = report.model_copy(update={"candidate": Candidate(commit=fake.head(pull))})
    (folder / "report.json").write_text(dump_report(changed))
    job = fake.environment("pull_request", pull, folder=folder, run=run, token=token)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    code = "1" if report.verdict == "block" else "0"
    changed = {name: value for name, value in {**kept, **job, **environment}.items() if value}
    return subprocess.Popen([*MLCI, code], cwd=folder, env=changed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_publish__processes_at_once(fake, pull, tmp_path):
    fake.faults.pace(jitter=0.1, seed=4)
    token = fake.token()
    reports = {99: good(), 1000: wide(3), 1001: bad(), 1000_0: wide(4)}
    running = [
        start_publisher(fake, tmp_path / str(run), pull, run=run, report=report, token=token)
        for run, report in reports.items()
    ]
    ended = [(one.communicate(timeout=60)[0].decode(), one.returncode) for one in running]
    assert [code for _, code in ended] == [0, 1, 1, 1], ended
    stands(fake, pull, run=10_000, conclusion="failure", text="4 gates failed")
    assert len(fake.check_runs(name=NAME)) == len(reports)


@pytest.mark.parametrize("n", [5])
def test_publish__process_killed_and_run_again(fake, pull, tmp_path, n):
    token = fake.token()

    def kill():
        victim.kill()

    fake.kill_after(n, kill)
    victim = start_publisher(fake, tmp_path / "first", pull, run=100, report=wide(60), token=token)
    victim.communicate(timeout=60)
    assert victim.returncode == -9
    again = start_publisher(fake, tmp_path / "again", pull, run=100, report=wide(60), token=token)
    assert again.communicate(timeout=60)[0].decode().count("::") == 0
    assert again.returncode == 1
    stands(fake, pull, run=100, conclusion="failure", text="60 gates failed")
    (check,) = fake.check_runs(name=NAME)
    assert len(check["annotations"]) == 60
    assert len(fake.comments(pull)) == 1


def test_publish__github_address_over_https(seeded, tmp_path):
    """Only a proxy and its certificate are set; the address is the default one."""
    shutil.copytree(seeded, tmp_path / "model.git")
    with Fake(tmp_path / "model.git", https=True) as fake:
        number = fake.pull("topic")
        trusted = fake.authority.environment(fake.url)
        places = {"GITHUB_API_URL": "", "GITHUB_SERVER_URL": ""}
        one = start_publisher(
            fake, tmp_path / "job", number, run=100, report=bad(), token=fake.token(), **trusted, **places
        )
        said = one.communicate(timeout=60)[0].decode()
        assert one.returncode == 1, said
        assert f"https://github.com/{fake.name}/pull/{number}#issuecomment-" in said
        stands(fake, number, run=100, conclusion="failure", text="1 gate failed")
        assert (
            f"https://github.com/{fake.name}/blob/{fake.head(number)}/mlci.yml#L31" in fake.comments(number)[0]["body"]
        )
