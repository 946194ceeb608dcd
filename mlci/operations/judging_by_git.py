"""Edits of a checkout to its own judging, by git: those since the merge base with the branch that it goes to.

In one job these edits are used, because the author could push to the repository anyway; the report names them.
"""

from pathlib import Path

from mlci.config.loader import LoadedConfig, parse_config
from mlci.config.models import Config
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git
from mlci.operations.judging import judging_changes
from mlci.report.document import Judging

_LIMITS = {"gates", "tests", "policy"}
_DIFF = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative")


def judging_of_change(loaded: LoadedConfig, git: Git, since: str) -> Judging | None:
    """Return what the commits since the merge base edit of their own judging; ``None`` if that is not known.

    Files count that the configuration of either side names.

    Args:
        loaded: The configuration.
        git: Git in its folder.
        since: Commit or branch that the change is to be merged into.
    """
    try:
        base = git.ask("merge-base", "--", since, "HEAD")
        if base.status != 0 or not base.out:
            return None
        commit = base.out.partition("\n")[0]
        changed = [path for path in git.must("diff", *_DIFF, commit, "HEAD", "--").split("\0") if path]
        path = Path(loaded.path)
        place = (path.parent.resolve() / path.name).relative_to(git.root().resolve()).as_posix()
        before = _config_at(git, commit, place)
    except (InputError, OutsideError, ValueError):
        return None
    now = judging_changes(changed, loaded.config, place, used=True)
    if before is None:
        return now
    known = {one.path for one in now.changes}
    earlier = judging_changes([one for one in changed if one not in known], before, place, used=True)
    changes = [*now.changes, *earlier.changes]
    if _limits(before) != _limits(loaded.config):
        changes = [one.model_copy(update={"what": "limits"}) if one.path == place else one for one in changes]
    return Judging(used=True, changes=tuple(changes), more=max(now.more, earlier.more))


def _limits(config: Config) -> object:
    return config.model_dump(mode="json", include=_LIMITS)


def _config_at(git: Git, commit: str, place: str) -> Config | None:
    """Return the configuration of a commit; ``None`` if it has none that can be read."""
    found = git.ask("show", f"{commit}:{place}")
    try:
        return parse_config(found.out.encode(), path=place).config if found.status == 0 else None
    except InputError:
        return None
