"""Plan of the models that a change can affect, and of the job that each of them needs."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlci.config.loader import LoadedConfig, load_unchecked, parse_draft, read_bounded_config
from mlci.errors import InputError, count_noun, list_names
from mlci.git.git import Git, WorkingTreeDifferences, working_tree_differences
from mlci.operations.init.inventory import Inventory
from mlci.operations.init.workflow import model_job
from mlci.operations.models.relevant_changes import find_relevant_difference
from mlci.publish.models_plan import OVERVIEW, AffectedModel, ModelsPlan

CONFIG = "mlci.yml"
MOST_JOBS = 256
"""Jobs that GitHub starts of one matrix."""
_NOT_COMPARED = "no commit to compare with was given"


@dataclass(frozen=True, kw_only=True)
class RepositoryModel:
    """A model of the repository.

    Attributes:
        name: Its name; that of its folder if the configuration does not have a readable one.
        path: Its configuration, from the top of the repository.
        loaded: The configuration; ``None`` if it has errors.
        problem: The first of them; empty without one.
    """

    name: str
    path: str
    loaded: LoadedConfig | None
    problem: str = ""

    @property
    def folder(self) -> str:
        """Folder of the configuration, from the top; ``.`` is the top itself."""
        return posixpath.dirname(self.path) or "."


def plan_affected(git: Git, *, since: str | None, folders: tuple[str, ...] = ()) -> ModelsPlan:
    """Return which models of a repository a change can affect.

    Args:
        git: Git in any folder of the checkout.
        since: Branch or commit that the change is to be merged into; ``None`` evaluates every model.
        folders: Folders to search in, from the top of the repository; by default all of it.

    Raises:
        InputError: if no model is found, two have the same name, or there are more than a matrix may have.
        OutsideError: if git fails.
    """
    top = git.root().resolve()
    paths = _configurations(_tracked(git, top), folders)
    if not paths:
        raise InputError(_none_found(folders))
    models = [_read(top, path) for path in paths]
    _refuse_names(models)
    base = _merge_base(git, since) if since else None
    found = working_tree_differences(git, base) if base else None
    if base is None or found is None:
        why = f"{since} has no common commit in this clone (`fetch-depth: 0`?)" if since else _NOT_COMPARED
        return _planned(base, [(model, why) for model in models], removed=())
    before = _configurations(git.must("-C", str(top), "ls-tree", "-r", "-z", "--name-only", base).split("\0"), folders)
    siblings = tuple(posixpath.dirname(path) or "." for path in before)
    reasons = [(model, _reason(model, git, base, found, siblings)) for model in models]
    return _planned(base, reasons, removed=tuple(path for path in before if path not in paths))


def _planned(
    base: str | None, reasons: list[tuple[RepositoryModel, str | None]], *, removed: tuple[str, ...]
) -> ModelsPlan:
    affected = tuple(
        AffectedModel(model=model.name, folder=model.folder, reason=why[:1_000])
        for model, why in reasons
        if why is not None
    )
    if len(affected) > MOST_JOBS:
        raise InputError(
            f"{len(affected):,} models are affected, and GitHub starts at most {MOST_JOBS} jobs of one matrix; plan "
            "them in several workflows, by their folders:\n    mlci models plan models/a models/b --changed origin/main"
        )
    unaffected = tuple(model.name for model, why in reasons if why is None)
    return ModelsPlan(base=base, affected=affected, unaffected=unaffected, removed=removed)


def _reason(
    model: RepositoryModel, git: Git, base: str, found: WorkingTreeDifferences, siblings: tuple[str, ...]
) -> str | None:
    """Return why a model is evaluated; ``None`` if no relevant file differs."""
    if model.loaded is None:
        return f"its configuration has errors: {model.problem}"
    return find_relevant_difference(model.loaded, git, base, found, siblings=siblings)


def _tracked(git: Git, top: Path) -> list[str]:
    return git.must("-C", str(top), "ls-files", "-z").split("\0")


def _configurations(files: Iterable[str], folders: tuple[str, ...]) -> list[str]:
    wanted = [posixpath.normpath(folder) for folder in folders]
    every = dict.fromkeys(name for name in files if PurePosixPath(name).name == CONFIG)
    return sorted(name for name in every if not wanted or any(_is_below(name, folder) for folder in wanted))


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _none_found(folders: tuple[str, ...]) -> str:
    where = f"below {list_names(folders, 4)}" if folders else "in this repository"
    return f"git tracks no {CONFIG} {where}; set a model up first, in its folder:\n    mlci init"


def _read(top: Path, path: str) -> RepositoryModel:
    try:
        loaded = load_unchecked(top / path)
    except InputError as error:
        return RepositoryModel(
            name=_salvaged_name(top, path), path=path, loaded=None, problem=error.problems[0].message
        )
    return RepositoryModel(name=loaded.config.model, path=path, loaded=loaded)


def _salvaged_name(top: Path, path: str) -> str:
    """Return the name of a model whose configuration has errors."""
    try:
        data = parse_draft(read_bounded_config(top / path), path=path)[0].data
    except InputError:
        data = None
    name = data.get("model") if isinstance(data, dict) else None
    return name[:100] if isinstance(name, str) and name else (posixpath.dirname(path) or "model")[:100]


def _refuse_names(models: list[RepositoryModel]) -> None:
    """Refuse names that two models have, and the name of the overview.

    Raises:
        InputError: if there is such a name.
    """
    places: dict[str, list[str]] = {}
    for model in models:
        places.setdefault(model.name, []).append(model.path)
    problems = [
        f"{list_names(paths, 4)} have a model of the name `{name}`; their checks, comments and versions would be one; "
        "write another `model:` into each"
        for name, paths in places.items()
        if len(paths) > 1
    ]
    if OVERVIEW in places:
        problems.append(
            f"{places[OVERVIEW][0]} names its model `{OVERVIEW}`, which is the name of the overview's check, "
            f"`mlci / {OVERVIEW}`; write another `model:`"
        )
    if problems:
        raise InputError(*problems)


def _merge_base(git: Git, since: str) -> str | None:
    answer = git.ask("merge-base", "--", since, "HEAD")
    return answer.out.partition("\n")[0] if answer.status == 0 and answer.out else None


def matrix_entries(plan: ModelsPlan, git: Git) -> list[Mapping[str, str]]:
    """Return an entry of a workflow's matrix for each affected model: name, folder, Python, and what to install."""
    top = git.root().resolve()
    files = [name for name in _tracked(git, top) if name]
    names = {one.folder: set[str]() for one in plan.affected} | {".": set[str]()}
    for path in files:
        folder = posixpath.dirname(path) or "."
        if folder in names:
            names[folder].add(posixpath.basename(path))
    return [_entry(one, names, top) for one in plan.affected]


def _entry(one: AffectedModel, names: Mapping[str, set[str]], top: Path) -> Mapping[str, str]:
    folder = "" if one.folder == "." else one.folder
    inventory = Inventory(folder=top / one.folder, files=frozenset(names[one.folder]), at_top=frozenset(names["."]))
    entry = model_job(inventory, model=one.model, folder=folder).entry
    return {"install": "", **entry, "folder": one.folder}


def plan_lines(plan: ModelsPlan) -> list[str]:
    """Return the plan as lines for people."""
    since = f" since {plan.base[:7]}" if plan.base else ""
    lines = [f"{len(plan.affected):,} of {count_noun(plan.total, 'model')} can be affected{since}"]
    lines += [f"  {one.model} ({one.folder}): {one.reason}" for one in plan.affected]
    lines += [f"  removed: {path}" for path in plan.removed]
    if plan.unaffected:
        lines.append(f"  not affected: {list_names(plan.unaffected, 10)}")
    return lines
