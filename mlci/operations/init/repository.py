"""Repository to set up: its inventory, what its scripts do, its training command, and the user's answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from shlex import quote

from mlci.engine.tables.column_summary import TableSummary
from mlci.engine.tables.table import EmptyTableError
from mlci.errors import InputError, count_noun, list_names
from mlci.operations.init.columns import EVALUATED_NAME
from mlci.operations.init.inventory import Inventory, configured_folders
from mlci.operations.init.pipeline import pipeline_command, stage_commands
from mlci.operations.init.proposal import InitOptions
from mlci.operations.init.scripts.command_line import Surroundings
from mlci.operations.init.scripts.notebook import NotebookScript, cell_of, notebook_script
from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.script_facts import ScriptFacts
from mlci.operations.init.scripts.source_text import find_syntax_error
from mlci.operations.init.training_command import training_command

_TRAINING_NAME = re.compile(
    r"(^|[/_-])(train\w*|fit|main|model\w*|run|pipeline|evaluate)[^/]*\.(py|ipynb)$", re.IGNORECASE
)
_TRAINS = re.compile(r"(^|[/_-])(train\w*|fit)[^/]*\.(py|ipynb)$", re.IGNORECASE)
_MOST_UNREAD = 3
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository with the user's answers.

    Attributes:
        inventory: Files of the repository.
        options: Answers given by options.
        summarize: Reads a table; the path is relative to the repository.
        name: Name of the repository.
    """

    inventory: Inventory
    options: InitOptions
    summarize: Callable[[str], TableSummary]
    name: str

    @property
    def model_name(self) -> tuple[str, str]:
        """Name for the model, and the reason."""
        return _NOT_A_NAME.sub("-", self.name).strip("-._")[:100] or "model", "the name of the folder"

    @cached_property
    def scripts(self) -> list[ScriptFacts]:
        """Scripts that train or evaluate a model or write tables, the most likely training script first."""
        found = [facts for facts in self._read if facts.fits or facts.points or facts.tables or facts.metrics]
        return sorted(found, key=self._likelihood, reverse=True)

    @cached_property
    def _read(self) -> list[ScriptFacts]:
        """What each script and notebook does."""
        notebooks = {path: found.text for path, found in self.notebooks.items()}
        plain = {path: text for path, text in self.inventory.scripts.items() if path.endswith(".py")}
        around = Surroundings(texts=plain, parameters=self.inventory.parameters)
        read = (read_script(path, text, around) for path, text in {**plain, **notebooks}.items())
        return [facts for facts in read if facts is not None]

    @cached_property
    def unread(self) -> dict[str, str]:
        """Why scripts could not be read, by path: how they are encoded, or a line that is not Python."""
        found = dict(self.inventory.unread)
        for path in [*(one for one in self.inventory.scripts if one.endswith(".py")), *self.notebooks]:
            notebook = self.notebooks.get(path)
            text = notebook.text if notebook else self.inventory.scripts[path]
            if (error := find_syntax_error(text)) is not None:
                place = "line {1} of cell {0}".format(*cell_of(text, error[0])) if notebook else f"line {error[0]}"
                found[path] = f"{place} is not Python that this interpreter reads: {error[1]}"
        return found

    @cached_property
    def notebooks(self) -> dict[str, NotebookScript]:
        """Code of the notebooks, by path."""
        texts = {path: text for path, text in self.inventory.scripts.items() if path.endswith(".ipynb")}
        read = {path: notebook_script(text) for path, text in texts.items()}
        return {path: found for path, found in read.items() if found is not None}

    def _likelihood(self, facts: ScriptFacts) -> tuple[bool, bool, int, int, int, str]:
        named = facts.path == self.options.script or facts.path in (self.options.train or "")
        shown = 4 * bool(facts.points) + 3 * bool(facts.fits) + 2 * bool(facts.saved) + bool(facts.splits)
        shown += 3 * bool(_TRAINING_NAME.search(facts.path)) + 2 * bool(self.stages_of(facts.path))
        shown += 4 * facts.path.endswith(".py")
        return named, facts.does_something, shown, -facts.path.count("/"), -len(facts.path), facts.path

    def stages_of(self, path: str) -> list[str]:
        """Return the stages of ``dvc.yaml`` that run a script."""
        return [name for name, command in stage_commands(self.inventory.pipeline) if path in command]

    def training(self, facts: ScriptFacts | None) -> tuple[str, str, str]:
        """Return the training command, the folder of the script's relative paths, and the reason.

        The command is empty if nothing trains.
        """
        if facts is None:
            pipeline = pipeline_command(self.inventory.pipeline)
            return (
                (pipeline, "", "the stages of dvc.yaml, each after those it depends on") if pipeline else ("", "", "")
            )
        if (caller := self._caller(facts)) is not None:
            command, home, reason = training_command(self.inventory, self.scripts, caller)
            return command, home, f"{reason}; it imports {facts.path}"
        return training_command(self.inventory, self.scripts, facts)

    def _caller(self, facts: ScriptFacts) -> ScriptFacts | None:
        """Return the script that imports a module which does nothing by itself; ``None`` for one that runs."""
        if facts.does_something:
            return None
        callers = [one for one in self._read if one.does_something and facts.path in one.modules]
        return max(callers, key=self._likelihood, default=None)

    def likely_trainer(self, path: str) -> str | None:
        """Return the script that seems to make a file: it names the file, trains a model, or is called `train`."""
        name, texts = PurePosixPath(path).name, self.inventory.scripts
        writers = [facts.path for facts in self.scripts if name in _written(facts)]
        fitting = [facts.path for facts in self.scripts if facts.fits]
        readers = {facts.path for facts in self.scripts if name in map(_last_part, facts.reads)}
        named = [one for one in [*fitting, *texts] if name in texts[one] and one not in readers]
        called = [one for one in [*texts, *self.unread] if _TRAINS.search(one)]
        return next(iter([*writers, *named, *fitting, *called]), None)

    def run_command(self, script: str) -> str:
        """Return the command that runs a script, also one that could not be read."""
        facts = next((one for one in self.scripts if one.path == script), None)
        return self.training(facts)[0] if facts else f"python {quote(script)}"

    def table(self, path: str | None) -> TableSummary | None:
        """Return the summary of a table; ``None`` if it is not there or can't be read."""
        if path is None or path not in self.inventory.files:
            return None
        try:
            return self.summarize(path)
        except InputError:
            return None

    def is_empty(self, path: str | None) -> bool:
        """Return whether a file of the repository is a table that has columns and no rows."""
        if path is None or path not in self.inventory.files:
            return False
        try:
            return not self.summarize(path).rows
        except EmptyTableError:
            return True
        except InputError:
            return False


def _written(facts: ScriptFacts) -> set[str]:
    return {_last_part(item.path) for item in (*facts.tables, *facts.metrics) if item.path}


def _last_part(path: str) -> str:
    return PurePosixPath(path).name


def refuse_repository(repository: Repository, untested: str = "") -> InputError:
    """Return the error for a repository in which nothing was found to start from.

    Args:
        repository: The repository.
        untested: Why a model that a script saves can't be evaluated, and what to do; empty without such a model.
    """
    if untested:
        return InputError(untested)
    inventory = repository.inventory
    seen = [
        count_noun(len(inventory.sources), "script") if inventory.sources else "no readable Python script",
        f"tables {list_names(inventory.tables, 4)}" if inventory.tables else "no table",
        f"models {list_names(inventory.models, 4)}" if inventory.models else "no saved model",
        "no metrics file" if not inventory.metrics else f"metrics files {list_names(list(inventory.metrics), 4)}",
    ]
    loops = [facts.path for facts in repository.scripts if any(point.looped for point in facts.points)]
    homes = configured_folders(inventory.files)
    own = f"Folders with an mlci.yml of their own are left alone: {list_names(homes, 4)}. "
    unread = "".join(f". {path} can't be read: {why}" for path, why in list(repository.unread.items())[:_MOST_UNREAD])
    named = [path for path in inventory.tables if EVALUATED_NAME.search(PurePosixPath(path).stem)]
    empty = "".join(f". {path} has no rows, so nothing can be judged on it" for path in named[:_MOST_UNREAD]
                    if repository.is_empty(path))  # fmt: skip
    several = f"{loops[0]} trains several models in a loop, and init can't tell which one is yours. " if loops else ""
    return InputError(
        f"found no predictions, no metrics file and no script whose test part and predictions init can follow "
        f"({', '.join(seen)}). {own if homes else ''}{several}Name what there is: "
        "`mlci init --metrics metrics.json`, or "
        "`mlci init --data holdout.csv --label outcome --predictions predictions.csv`, and `--train` for the command "
        f"that writes it; or add the lines of docs/how-to/start/gate-a-script-that-splits.md to your script{unread}"
        f"{empty}"
    )
