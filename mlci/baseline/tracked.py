"""Whether a folder of ours came with a commit."""

from pathlib import Path

from mlci.baseline.git import Git


def tracked(git: Git, folder: Path) -> bool:
    """Whether git tracks a file below ``folder``: then it came with a commit, perhaps by the candidate.

    Raises:
        InputError: There is no checkout.
    """
    root = git.root().resolve()
    if not folder.resolve().is_relative_to(root):
        return False
    said = git.ask("ls-files", "--", f":(top,literal){folder.resolve().relative_to(root).as_posix()}")
    return said.status != 0 or bool(said.out)
