"""Servers of the registry's tests: each a real process, on loopback, ended with the session."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support.registry.buckets import S3, Bucket


@pytest.fixture(scope="session")
def s3_port():
    command = [sys.executable, "-m", "tests.support.registry.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        yield int(process.stdout.readline())
        process.terminate()


@pytest.fixture
def s3(s3_port) -> Bucket:
    """A fresh bucket."""
    return S3(s3_port, f"bucket-{uuid.uuid4().hex}").made()
