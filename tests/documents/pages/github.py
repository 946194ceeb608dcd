"""Projects for the pages that talk to GitHub, against the fake."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from mlci.report.serialization import dump_report
from tests.documents.pages.registry import promoted, succeed
from tests.documents.pages.setup import checked_project, sealed_repository
from tests.fake_github.fake import Fake
from tests.support.page_shell import PageShell
from tests.support.project import BY_FILE, config, files, predictions, small_files, write
from tests.support.reports import a_report, failed
from tests.support.repository import commit, git, init
from tests.support.setups import template

NAME = "owner/name"
RIGHTS = {"administration": "write", "contents": "write", "checks": "write", "statuses": "write"}


@contextmanager
def fake_github(shell: PageShell, name: str = NAME) -> Iterator[Fake]:
    """Serve a fake that the shell and its `gh` reach with an administrator's token."""
    with Fake(shell.scratch / "model.git", name=name) as fake:
        shell.variables |= {"GITHUB_API_URL": fake.url, "FAKE_GITHUB_TOKEN": fake.token(RIGHTS)}
        yield fake


def keep_the_registry_in_github(shell: PageShell) -> Iterator[None]:
    with fake_github(shell) as fake:
        bare = Path(fake.repo["git"])
        connected = {"GITHUB_REPOSITORY": NAME, "GITHUB_TOKEN": shell.variables["FAKE_GITHUB_TOKEN"]}
        shell.variables |= connected
        promoted(shell, 3, 2, 1, more="registry: github\n")
        git(shell.folder, "remote", "add", "origin", str(bare))
        for name in connected:
            del shell.variables[name]
        yield
        yield
        assert "1 rolled back" not in shell.output
        yield
        git(bare, "update-ref", "refs/heads/mlci/churn", "refs/heads/mlci/churn~1")
        yield
        succeed(shell, "versions")
        git(shell.folder, "fetch", "--quiet", "origin")
        yield
        yield
        shell.variables["URL"] = str(bare)
        yield
        settings = shell.folder / "mlci.yml"
        settings.write_text(settings.read_text("utf-8").replace("registry: github", "registry: registry"))
        del shell.variables["GITHUB_TOKEN"]
        yield
        yield
        assert "refs/mlci/witness/churn" in shell.output
        shell.variables["SHA256"] = fake.state.all("assets")[0]["name"]
        yield
        assert (shell.folder / shell.variables["SHA256"]).is_file()


def require_the_check(shell: PageShell) -> Iterator[None]:
    text = config(baseline="production").replace("model: planted", "model: churn")
    workflow = {".github/workflows/mlci-promote.yml": template("mlci-promote.yml")}
    commit(init(shell.folder), {**files(1), "mlci.yml": text, **workflow})
    git(shell.folder, "remote", "add", "origin", "https://github.com/octo-org/model.git")
    with fake_github(shell, "octo-org/model") as fake:
        fake.team("ml-team")
        fake.role("octocat", "write")
        yield
        yield
        yield
        assert shell.output.count("+ mlci / churn: required, reported by GitHub Actions") == 2
        succeed(shell, "setup", "check")
        yield
        assert "environment production: octo-org/ml-team approves" in shell.output
        succeed(
            shell, "setup", "check", "--reviewer", "octo-org/ml-team", "--reviewer", "octocat", "--prevent-self-review"
        )


def publish_as_an_app(shell: PageShell) -> Iterator[None]:
    commit(init(shell.folder), {**files(1), "mlci.yml": config(baseline="none")})
    git(shell.folder, "remote", "add", "origin", "https://github.com/octo-org/model.git")
    with fake_github(shell, "octo-org/model"):
        yield
        yield
        succeed(shell, "setup", "check", "--app", "123456")


def waive_a_gate(shell: PageShell) -> Iterator[None]:
    gates = "  - {metric: recall, max_drop: 0.01}\nregistry: registry\n"
    write(shell.folder, {**small_files(), "mlci.yml": config(baseline="production", more=gates, **BY_FILE)})
    commit(init(shell.folder), {".gitignore": ".mlci/\n"})
    with fake_github(shell) as fake, patch("mlci.cli.commands.waive.today", lambda: "2026-12-01"):
        git(shell.folder, "remote", "add", "origin", f"https://github.com/{NAME}.git")
        fake.email("octocat@example.org", "octocat")
        fake.role("root", "admin")
        shell.variables["FAKE_GITHUB_TOKEN"] = fake.token(user="root")
        head = fake.head(fake.pull("topic", user="contributor"))
        shell.replaced["3f9c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4"] = head
        row = failed(
            "recall", was=0.6, now=0.5, low=-0.12, high=-0.08, max_drop=0.01, waivable=True, why="beyond_limit"
        )
        report = a_report(model="planted", gates=[row], candidate={"commit": head})
        write(shell.folder, {".mlci/out/report.json": dump_report(report)})
        yield
        yield
        assert "is waived on" in shell.output


def check_a_setup(shell: PageShell) -> Iterator[None]:
    workflow = checked_project(shell)
    yield
    line = "          fetch-depth: 0 # a baseline can be another commit\n"
    workflow.write_text(workflow.read_text("utf-8").replace(line, ""))
    assert shell.mlci("doctor")[0] == 1
    yield
    assert "fetch-depth: 0" in workflow.read_text("utf-8")
    with fake_github(shell):
        yield
        yield
        assert "required-check-missing" in shell.output
        for _ in range(2):
            shell.output = ""
            yield
            assert "false blocks in 100" in shell.output


def publishing(shell: PageShell) -> Iterator[None]:
    with fake_github(shell) as fake:
        number = fake.pull("topic")
        git(shell.folder, "clone", "--quiet", "--branch", "topic", fake.repo["git"], ".")
        commit(shell.folder, {**small_files(), "new.csv": predictions(1)})
        git(shell.folder, "push", "--quiet", "origin", "topic")
        job = shell.scratch / "job"
        shell.variables |= fake.environment("pull_request", number, folder=job, token=fake.token())
        shell.variables |= {"STATUS": "success", "CODE": "0", "RUNNER_TEMP": str(job)}
        succeed(shell, "run")
        yield
        [check] = fake.check_runs(name="mlci / planted")
        assert check["status"] == "in_progress"
        yield
        [check] = fake.check_runs(name="mlci / planted")
        assert check["conclusion"] == "success"


def accept_forks(shell: PageShell) -> Iterator[None]:
    shell.answers = "y\ny\nn\n"
    configuration = sealed_repository(shell)
    yield
    assert (shell.folder / ".github/workflows/mlci-gate.yml").exists()
    with fake_github(shell) as fake:
        yield
        number = fake.pull("topic", fork=True)
        run = fake.run(number, id=1842, name="mlci train", path=".github/workflows/mlci-train.yml")
        made = {path.name: path.read_bytes() for path in (shell.folder / ".mlci/sealed").iterdir()}
        model = configuration.read_text("utf-8").partition("model: ")[2].split()[0]
        fake.artifact(run, f"mlci-sealed-{model}", made)
        yield
        yield
        assert "200 rows" in shell.output
        assert fake.comments(number) == fake.check_runs() == []
