"""The fake under GitHub's real host names, as a proxy."""

import os
import subprocess
import sys

import pytest

from tests.fake_github.fake import Fake

CODE = """
import sys
from github import Auth, Github
repo = Github(auth=Auth.Token(sys.argv[1]), seconds_between_requests=0, seconds_between_writes=0).get_repo(sys.argv[2])
release = repo.create_git_release("m-1", "Model 1", "notes")
print(release.upload_url)
open("model.bin", "wb").write(b"weights")
print(release.upload_asset("model.bin", content_type="application/octet-stream").size)
print(repo.get_pull(1).create_issue_comment("x").html_url)
"""
REDIRECT = """
import sys, requests
at = f"https://api.github.com/repos/{sys.argv[2]}/actions/artifacts/{sys.argv[3]}/zip"
answer = requests.get(at, headers={"Authorization": f"Bearer {sys.argv[1]}"}, timeout=5)
print(answer.url.split("/")[2], answer.content[:2])
"""
ELSEWHERE = """
import requests
try:
    requests.get("https://example.org/", timeout=5)
except requests.exceptions.ProxyError as error:
    print("403" in str(error))
"""


@pytest.fixture
def fake(tmp_path):
    with Fake(tmp_path / "model.git", https=True) as made:
        yield made


def run(fake, folder, code, *arguments):
    """Run Python with nothing but the environment pointing to the fake."""
    names = {"PATH": os.environ["PATH"], **fake.authority.environment(fake.url)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=names, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_https__pygithub_uploads_at_its_default_address(fake, tmp_path):
    fake.pull("topic")
    upload, size, page = run(
        fake, tmp_path, CODE, fake.token({"contents": "write", "pull-requests": "write"}), fake.name
    )
    assert upload.startswith(f"https://uploads.github.com/repos/{fake.name}/releases/")
    assert size == "7"
    assert page.startswith(f"https://github.com/{fake.name}/pull/1#issuecomment-")
    assert ("POST", f"/repos/{fake.name}/releases", 201) in fake.requests


def test_https__downloads_redirect_to_the_storage_host(fake, tmp_path):
    number = fake.artifact(fake.run(), "a", {"x": "y"})
    (line,) = run(fake, tmp_path, REDIRECT, fake.token({"actions": "read"}), fake.name, number)
    assert line == "productionresultssa0.blob.core.windows.net b'PK'"


def test_https__other_hosts_are_unreachable(fake, tmp_path):
    assert run(fake, tmp_path, ELSEWHERE) == ["True"]
