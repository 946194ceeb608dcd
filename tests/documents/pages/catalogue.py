"""Pages with command blocks: the project of each, and why a block is not carried out.

A project is a generator: it prepares, yields when the page's next command may run, and checks what the commands did. It
yields once for each command of the page's blocks that are not marked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.documents.pages import costs, github, governance, logs, production, registry, scores, scripts, setup
from tests.support.page_shell import PageShell
from tests.support.shell_blocks import Block, read_blocks

ROOT = Path(__file__).parents[3]
Project = Callable[[PageShell], Iterator[None]]

REASONS = {
    "installs software": r"(pip|pipx|uv tool) (install|download)\b",
    "the checks of this repository": r"(make [\w-]+|\.ci/run)( |$)",
    "writes files of this repository": r"MLCI_GOLDEN=write ",
    "needs an App of GitHub": r"gh (api|secret|variable) ",
    "needs a Kubernetes cluster": r"mlci deploy (apply|diff|rollback)",
    "needs an MLflow server": r"mlci .*models:/",
    "needs an attestation of GitHub": r"gh attestation ",
}
"""What a marked block may name, and what one of its commands then begins with or contains."""

PROJECTS: dict[str, Project] = {
    "docs/how-to/after-merge/back-up-and-restore.md": registry.back_up_and_restore,
    "docs/how-to/after-merge/publish-a-model-card.md": governance.publish_a_model_card,
    "docs/how-to/after-merge/verify-a-model.md": governance.verify_a_model,
    "docs/how-to/after-merge/deploy-a-model.md": registry.deploy_a_model,
    "docs/how-to/after-merge/monitor-a-model.md": production.monitor_a_model,
    "docs/how-to/after-merge/read-the-logs.md": logs.read_the_logs,
    "docs/how-to/after-merge/watch-costs.md": costs.watch_costs,
    "docs/how-to/gates/gate-a-ranking.md": scores.gate_a_ranking,
    "docs/how-to/gates/see-what-changed.md": registry.see_what_changed,
    "docs/how-to/gates/waive-a-gate.md": github.waive_a_gate,
    "docs/how-to/infrastructure/use-internal-mirrors.md": setup.use_internal_mirrors,
    "docs/how-to/registry/import-a-model.md": registry.import_a_model,
    "docs/how-to/registry/keep-the-registry-in-github.md": github.keep_the_registry_in_github,
    "docs/how-to/registry/promote-a-model.md": registry.promote_a_model,
    "docs/how-to/registry/repair-a-registry.md": registry.repair_a_registry,
    "docs/how-to/registry/remove-files.md": registry.remove_files,
    "docs/how-to/registry/reproduce-a-version.md": registry.reproduce_a_version,
    "docs/how-to/registry/roll-back.md": registry.roll_back,
    "docs/how-to/registry/verify-a-registry.md": registry.verify_a_registry,
    "docs/how-to/start/evaluation-logs.md": scores.evaluation_logs,
    "docs/how-to/start/set-up-a-repository.md": setup.set_up_a_repository,
    "docs/how-to/workflows/accept-forks.md": github.accept_forks,
    "docs/how-to/workflows/check-a-setup.md": github.check_a_setup,
    "docs/how-to/workflows/evaluate-in-shards.md": setup.evaluate_in_shards,
    "docs/how-to/workflows/gate-several-models.md": setup.gate_several_models,
    "docs/how-to/workflows/publish-as-an-app.md": github.publish_as_an_app,
    "docs/how-to/workflows/require-the-check.md": github.require_the_check,
    "docs/how-to/workflows/seal-labels.md": setup.seal_labels,
    "docs/reference/publishing.md": github.publishing,
}
"""Projects that ``make test`` goes through."""

LONG_PROJECTS: dict[str, Project] = {
    "docs/how-to/after-merge/run-an-experiment.md": production.run_an_experiment,
    "docs/how-to/gates/plan-an-evaluation.md": scores.plan_an_evaluation,
    "docs/how-to/gates/test-behaviour-with-pytest.md": scripts.behaviour_with_pytest,
    "docs/how-to/start/gate-a-notebook.md": scripts.gate_a_notebook,
    "docs/how-to/start/gate-a-script-that-splits.md": scripts.gate_a_script_that_splits,
    "docs/tutorial.md": scripts.tutorial,
}
"""Projects that ``make examples`` goes through, because they train with scikit-learn or simulate much."""


OPT_IN = {"examples/pytorch/README.md"}
"""Examples that install a framework first."""


@dataclass(frozen=True)
class Page:
    """A page and its blocks of commands."""

    name: str
    blocks: tuple[Block, ...]

    @property
    def is_example(self) -> bool:
        """Return if ``make examples`` carries the page out in a copy of the example itself."""
        return re.fullmatch(r"examples/[\w-]+/README\.md", self.name) is not None

    @property
    def place(self) -> str:
        """Return the target that carries the page's unmarked blocks out; empty if none does."""
        if self.name in PROJECTS:
            return "make test"
        if self.name in OPT_IN:
            return "make example-pytorch"
        return "make examples" if self.is_example or self.name in LONG_PROJECTS else ""

    def run(self, folder: Path) -> str:
        """Carry the page's commands out in its project, in an empty folder; return what they printed.

        Raises:
            AssertionError: if a command does not do what the page says, or the project is for other commands.
        """
        inner, scratch = folder / "project", folder / "scratch"
        inner.mkdir()
        scratch.mkdir()
        shell = PageShell(inner, scratch)
        steps = {**PROJECTS, **LONG_PROJECTS}[self.name](shell)
        for command in (command for block in self.blocks if block.reason is None for command in block.commands):
            assert next(steps, "no step") is None, f"the project of {self.name} has no step for: {command.line}"
            shell.run(command)
        assert next(steps, "no step") == "no step", f"the project of {self.name} has a step without a command"
        return shell.output


def read_pages() -> list[Page]:
    """Return all pages with blocks of commands."""
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    paths += sorted((ROOT / "examples").rglob("README.md"))
    pages = (Page(path.relative_to(ROOT).as_posix(), tuple(read_blocks(path.read_text("utf-8")))) for path in paths)
    return [page for page in pages if page.blocks]


def problem_of_mark(block: Block) -> str | None:
    """Return what is wrong with the mark of a block; ``None`` if nothing is."""
    if block.reason not in REASONS:
        return f"{block.reason} is not among the reasons of tests/documents/pages/catalogue.py"
    pattern = re.compile(REASONS[block.reason])
    return None if any(pattern.search(command.line) for command in block.commands) else "no command is of that kind"
