"""Whether a folder of ours came with a commit."""

from pathlib import Path

from mlci.baseline.git import Git


def tracked(git: Git, folder: Path) -> bool:
    """Whether git tracks a file below ``folder``: then it came with a commit, perhaps by the candidate.

    Raises:
        InputError: There is no checkout.
    """
    root = git.root().resolve()
    for path in (folder.resolve(), folder.parent.resolve() / folder.name):  # where a link leads, and the link
        if path.is_relative_to(root):
            said = git.ask("ls-files", "--", f":(top,literal){path.relative_to(root).as_posix()}")
            if said.status != 0 or said.out:
                return True
    return False
