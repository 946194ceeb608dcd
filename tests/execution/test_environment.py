"""The environment of a child process: secrets are removed, everything else stays."""

import os
import subprocess
import sys

import pytest

from mlci.execution.environment import child_environment, registry_credentials
from mlci.execution.process import ProcessRunner
from tests.support.recording import QUICK, Recording, log_events, runner, step

DROPPED = """
GITHUB_TOKEN GH_TOKEN GITHUB_PAT GH_ENTERPRISE_TOKEN ACTIONS_RUNTIME_TOKEN ACTIONS_RUNTIME_URL ACTIONS_CACHE_URL
ACTIONS_RESULTS_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL INPUT_TOKEN INPUT_GITHUB-TOKEN
INPUT_REGISTRY_PASSWORD MLCI_TOKEN MLCI_GITHUB_TOKEN MLCI_LABEL_KEY GITHUB_ENV GITHUB_OUTPUT GITHUB_PATH GITHUB_STATE
GITHUB_STEP_SUMMARY MLCI_CONFIG MLCI_PREDICTIONS MLCI_DATA MLCI_MODEL MLCI_SEED github_token
"""
KEPT = """
PATH HOME VIRTUAL_ENV GITHUB_WORKSPACE GITHUB_SHA GITHUB_ACTIONS RUNNER_TEMP RUNNER_TRACKING_ID CUDA_VISIBLE_DEVICES
AWS_SECRET_ACCESS_KEY HF_TOKEN INPUT_CONFIG ACTIONS_STEP_DEBUG
"""


@pytest.mark.parametrize("name", DROPPED.split())
def test_child_environment__drops_secrets_and_command_files(name):
    assert name not in child_environment({name: "x", "PATH": "/bin"}, {})


@pytest.mark.parametrize("name", KEPT.split())
def test_child_environment__keeps_other_variables(name):
    assert child_environment({name: "x"}, {})[name] == "x"


def test_child_environment__unbuffered_output():
    assert child_environment({}, {})["PYTHONUNBUFFERED"] == "1"
    assert child_environment({"PYTHONUNBUFFERED": ""}, {})["PYTHONUNBUFFERED"] == ""


CLOUD = dict.fromkeys(
    ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AZURE_TENANT_ID", "GOOGLE_APPLICATION_CREDENTIALS"), "x"
)


@pytest.mark.parametrize(
    ("place", "absent"),
    [
        ("s3://bucket/models", {"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"}),
        ("az://box", {"AZURE_TENANT_ID"}),
        ("gs://bucket", {"GOOGLE_APPLICATION_CREDENTIALS"}),
        ("mlflow:http://host:5000", {"MLFLOW_TRACKING_PASSWORD"}),
        ("github", set()),
        (".mlci/registry", set()),
    ],
)
def test_child_environment__credentials_of_the_configured_registry(place, absent):
    parent = {**CLOUD, "MLFLOW_TRACKING_PASSWORD": "x", "PATH": "/bin"}
    kept = child_environment(parent, {}, credentials=registry_credentials(place))
    assert set(parent) - set(kept) == absent
    named = child_environment(parent, {}, credentials=registry_credentials(place), named=sorted(absent))
    assert set(parent) <= set(named)


def test_processes__withheld_variables_are_listed_once(tmp_path):
    log = Recording()
    variables = {"PATH": os.environ["PATH"], **CLOUD}
    steps = ProcessRunner(environment=variables, emit=log_events(log), limits=QUICK, credentials=("AWS_",))
    for named in ((), ("AWS_PROFILE",)):
        steps.run(step("echo $AWS_PROFILE-$AWS_SECRET_ACCESS_KEY", tmp_path, named=named))
    names, example = "AWS_PROFILE, AWS_SECRET_ACCESS_KEY", "that it names, e.g. `train: {env: [AWS_PROFILE]}`"
    assert log.lines == [
        f"mlci withholds credentials of registry and collector from steps: {names}; a step gets those {example}",
        "-",
        "x-",
    ]


def test_process_runner__secrets_in_a_real_command(tmp_path):
    log = Recording()
    variables = {**os.environ, **dict.fromkeys(DROPPED.split(), "hunter2"), "KEPT": "yes"}
    runner(log, environment=variables).run(
        step("env; tr '\\0' '\\n' < /proc/$PPID/environ", tmp_path, env={"MLCI_SEED": "7"})
    )
    assert not [line for line in log.lines if "hunter2" in line]
    assert log.lines.count("KEPT=yes") == 2  # the command's own and its parent's, the launcher
    assert log.lines.count("MLCI_SEED=7") == 2


PEEK = """
import ctypes, os, subprocess
from mlci.execution.environment import hide_environment
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)  # root may read everything
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # changing the user hides it too; undone, to see what hiding itself does
if {hide}:
    assert hide_environment()
subprocess.run(["cat", f"/proc/{{os.getpid()}}/environ"])
"""


def peek_environ(*, hide):
    """Return what a child of an ordinary user reads from its parent's ``/proc/…/environ``."""
    variables = {**os.environ, "GITHUB_TOKEN": "hunter2"}
    done = subprocess.run(
        [sys.executable, "-c", PEEK.format(hide=hide)], env=variables, capture_output=True, check=True
    )
    return done.stdout + done.stderr


def test_process_runner__parents_token_is_unreadable():
    assert b"hunter2" in peek_environ(hide=False)  # the hole is real
    assert b"Permission denied" in peek_environ(hide=True)
