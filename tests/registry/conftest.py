"""Servers of the registry's tests: each a real process, on loopback, ended with the session."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from mlci.registry.stores.retry import Limits
from tests.registry.buckets import S3, Bucket

QUICK = Limits(connect=2, request=2, total=4, retries=1, tries=3)


@pytest.fixture(scope="session")
def s3_port():
    command = [sys.executable, "-m", "tests.registry.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        yield int(process.stdout.readline())
        process.terminate()


@pytest.fixture
def s3(s3_port) -> Bucket:
    """A fresh bucket."""
    return S3(s3_port, f"bucket-{uuid.uuid4().hex}").made()
