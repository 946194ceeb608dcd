"""Environment and secrets: what the pull request's code finds in its environment, and which code runs beside a secret."""

import os
import subprocess
from functools import partial

from mlci.cli.registry_factory import writer
from mlci.cli.wiring import load_configuration, run_context
from mlci.execution import environment as execution_environment
from mlci.git.git import Git
from mlci.git.worktree import checked_out
from tests.attacks.attack import Attack
from tests.attacks.scene import CANARY, SECRETS, Scene
from tests.support.project import PREDICT, TRAIN, files
from tests.support.repository import ENVIRONMENT, commit, git, init

MORE = dict.fromkeys(
    (
        "github_token",
        "GITHUB_PAT",
        "GH_ENTERPRISE_TOKEN",
        "ACTIONS_RESULTS_URL",
        "ACTIONS_CACHE_URL",
        "ACTIONS_RUNTIME_URL",
        "INPUT_PRIVATE-KEY",
        "INPUT_LABEL-KEY",
        "INPUT_MY_PASSWORD",
        "MLCI_ANYTHING",
    ),
    f"{CANARY}-more",
)
FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
STORES = {
    "s3://b/p": "AWS_SESSION_TOKEN",
    "gs://b/p": "GOOGLE_APPLICATION_CREDENTIALS",
    "az://c/p": "AZURE_CLIENT_SECRET",
    "mlflow:http://h:5000": "MLFLOW_TRACKING_PASSWORD",
}
FLOOR = "  - {metric: accuracy, min: 0.95}\n"
DUMP = "import os\nopen('dump.txt', 'w').write(repr(dict(os.environ)))\n"


def _variables(scene: Scene, *, names: tuple[str, ...]) -> None:
    given = {name: f"{CANARY}-{name}" for name in names}
    found = scene.call(execution_environment.child_environment, given, {})
    scene.say(repr(found))


def _credentials(scene: Scene, *, place: str, name: str) -> None:
    prefixes = scene.call(execution_environment.registry_credentials, place)
    found = scene.call(execution_environment.child_environment, {name: CANARY}, {}, credentials=prefixes)
    scene.say(repr(found))


def _step(scene: Scene) -> None:
    """Training and prediction write down all that they see; the candidate is worse than the baseline's file."""
    contents = files(3, baseline="none", more=FLOOR)
    for name, text in {**contents, "train.py": DUMP + TRAIN, "predict.py": DUMP + PREDICT}.items():
        scene.plant(name, text)
    scene.mlci("run", AWS_SECRET_ACCESS_KEY="")  # a step gets it, unless the registry uses it
    assert "PATH" in (scene.work / "dump.txt").read_text()


def _checkout(scene: Scene, *, hook: bool) -> None:
    """A step of the pull request left a hook, or a filter, in the checkout's .git; then a commit is checked out."""
    folder = init(scene.work / "repository")
    contents = {**files(3, baseline="none", more=FLOOR), "a.txt": "a\n", ".gitattributes": "*.txt filter=evil\n"}
    first = commit(folder, {**contents, "mlci.yml": f"{contents['mlci.yml']}registry: s3://bucket/models\n"})
    loaded = load_configuration(folder / "mlci.yml")
    dump = f"env > {scene.work}/dump.txt"
    if hook:
        for name in ("post-checkout", "post-index-change", "reference-transaction"):
            path = folder / ".git/hooks" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\n{dump}\n")
            path.chmod(0o755)
        git(folder, "config", "core.fsmonitor", f"sh -c '{dump}'")
    else:
        git(folder, "config", "filter.evil.smudge", f"sh -c '{dump}; cat'")
        git(folder, "config", "filter.evil.clean", f"sh -c '{dump}; cat'")

    def look() -> None:
        with run_context(loaded, cached=False) as context, checked_out(context.git, first, within=scene.temp):
            pass

    scene.call(look)
    scene.call(writer, folder, loaded.config.registry)
    assert not (hook and (scene.work / "dump.txt").exists()), "a hook ran"
    assert hook or "PATH" in (scene.work / "dump.txt").read_text(), "the filter did not run, so this shows nothing"


def _elsewhere(scene: Scene) -> None:
    """A variable points git at another repository."""
    folder = init(scene.work / "repository")
    first = commit(folder, {"a.txt": "a\n"})
    other = init(scene.work / "other")
    variables = {**ENVIRONMENT, "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    found = scene.call(lambda: Git(folder=folder, environment=variables).must("rev-parse", "HEAD"))
    assert found == first


def _shadow(scene: Scene) -> None:
    """Modules of the work folder have the names of those that mlci imports in a process of its own."""
    for name in ("json", "hashlib", "mlci", "sitecustomize"):
        scene.plant(f"{name}.py", "open('ran.txt', 'w').write('x')\nraise SystemExit('shadowed')\n")
    command = execution_environment.isolated_command("mlci.util.digests")
    done = subprocess.run(
        command,
        cwd=scene.work,
        env={**os.environ, "PYTHONPATH": str(scene.work)},
        capture_output=True,
        text=True,
        check=False,
    )
    scene.say(done.stdout + done.stderr)
    assert not (scene.work / "ran.txt").exists(), "a module of the work folder ran"


def _credentials_on_the_command_line(scene: Scene) -> None:
    from mlci.cli.error_handler import handle_errors  # noqa: PLC0415 - called with arguments of its own

    scene.call(lambda: None)
    with scene.step():
        scene.code = handle_errors(lambda: scene.say("called"), [f"--registry=s3://me:{CANARY}@bucket"])
    assert "called" not in scene.out


ATTACKS = (
    *(Attack(f"variable {name}", "withheld variables", partial(_variables, names=(name,))) for name in [*SECRETS, *MORE] if not name.startswith("AWS")),
    Attack("files of the runner", "withheld variables", partial(_variables, names=FILES)),
    *(Attack(f"credentials of {place.partition(':')[0]}", "withheld credentials", partial(_credentials, place=place, name=name)) for place, name in STORES.items()),
    Attack("step that writes its environment down", "withheld variables", _step),
    Attack("hook that a step left", "no hooks", partial(_checkout, hook=True)),
    Attack("filter that a step left", "withheld variables", partial(_checkout, hook=False)),
    Attack("variable that moves git", "git of this checkout", _elsewhere),
    Attack("modules of the work folder", "isolated processes", _shadow),
    Attack("password on the command line", "credentials on the command line", _credentials_on_the_command_line, ""),
)  # fmt: skip
