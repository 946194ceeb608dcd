"""Relevant changes: the files that a model is made from, against real repositories."""

import pytest

from mlci.config.loader import load_unchecked
from mlci.operations.models.relevant_changes import find_difference
from tests.support.project import config
from tests.support.repository import commit, git, init, open_git

SRC = "paths: [src/**]\n"
TRAIN = "train: {run: python src/train.py}\n"


def repository(folder, *, paths=SRC, train=TRAIN, more="", **files):
    """Commit a project on main; return that commit."""
    init(folder)
    text = config(baseline="none", train=train, more=more) + paths
    return commit(folder, {"mlci.yml": text, "src/train.py": "1", "README.md": "1", "holdout.csv": "1", **files})


def difference(folder, before, config="mlci.yml"):
    path = folder / config
    return find_difference(load_unchecked(path), open_git(path.parent), before)


def link(folder, name, target):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    git(folder, "add", "--force", name)
    git(folder, "commit", "--quiet", "--message", "link")


def changes(folder, names):
    """Change files one at a time; return what differs after each."""
    found = []
    for name in names:
        before = git(folder, "rev-parse", "HEAD")
        commit(folder, {name: "2"})
        found.append(difference(folder, before))
    return found


def test_difference__documentation(tmp_path):
    assert repository(tmp_path, paths="")
    assert changes(tmp_path, ["README.md", "README", "docs/a.gif", "docs/guide/start.md"]) == [None] * 4


@pytest.mark.parametrize("paths", [SRC, ""], ids=["listed", "not listed"])
def test_difference__anything_else(tmp_path, paths):
    assert repository(tmp_path, paths=paths)
    always = ["src/new.py", ".github/workflows/mlci.yml", "holdout.csv"]
    assert changes(tmp_path, always) == [f"{name} differs" for name in always]
    others = ["notes/a.py", "data/corpus/README.md"]
    assert changes(tmp_path, others) == [None if paths else f"{name} differs" for name in others]
    before = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "mlci.yml").write_text((tmp_path / "mlci.yml").read_text() + "# a comment\n")
    assert difference(tmp_path, before) == "mlci.yml differs"


def test_difference__files_beside_the_list(tmp_path):
    """Lock files, pointers to data, attributes, and a script that the command names."""
    assert repository(tmp_path, train="train: {run: cd scripts && bash fit.sh}\n")
    names = ["requirements.txt", "uv.lock", "data/rows.csv.dvc", "dvc.lock", "sub/.gitattributes", "scripts/fit.sh"]
    assert changes(tmp_path, names) == [f"{name} differs" for name in names]


def test_difference__excluded_by_the_list(tmp_path):
    before = repository(tmp_path, paths='paths: [src/**, "!requirements-dev.txt", "!src/**/*.ipynb"]\n')
    commit(tmp_path, {"requirements-dev.txt": "2", "src/a.ipynb": "2"})
    assert difference(tmp_path, before) is None


@pytest.mark.parametrize(
    "command",
    ["python -m tools.fit", "A=1 ./tools/fit.py --x=1", "cd tools && bash -c 'python fit.py'", "$HERE/tools/fit.py"],
)
def test_difference__named_by_the_command(tmp_path, command):
    assert repository(tmp_path, train=f'train: {{run: "{command}"}}\n')
    names = ["tools/other.py", "other/fit.py", "fit/tools/fit.py", "tools/fit.py"]
    assert changes(tmp_path, names) == [None, None, None, "tools/fit.py differs"]


def test_difference__module_of_a_metric(tmp_path):
    before = repository(tmp_path, more="  - {metric: 'costs:expected', max: 1, on: decisions}\n")
    commit(tmp_path, {"costs.py": "2"})
    assert difference(tmp_path, before) == "costs.py differs"


def test_difference__renamed_deleted_and_executable(tmp_path):
    before = repository(tmp_path, **{"src/fit.py": "1\n2\n3\n4\n"})
    git(tmp_path, "mv", "src/fit.py", "README.txt")
    git(tmp_path, "commit", "--quiet", "--message", "moved")
    assert difference(tmp_path, before) == "src/fit.py differs"
    git(tmp_path, "reset", "--quiet", "--hard", before)
    git(tmp_path, "rm", "--quiet", "src/fit.py")
    assert difference(tmp_path, before) == "src/fit.py differs"
    git(tmp_path, "reset", "--quiet", "--hard", before)
    git(tmp_path, "update-index", "--chmod=+x", "src/fit.py")
    (tmp_path / "src/fit.py").chmod(0o755)
    assert difference(tmp_path, before) == "src/fit.py differs"


def test_difference__through_links(tmp_path):
    """A listed link includes its target."""
    tables = {"data/v1/rows.csv": "1", "data/v2/rows.csv": "1", "docs/card.md": "1"}
    assert repository(tmp_path, paths="paths: [src/data/**, src/*.py]\n", **tables)
    link(tmp_path, "src/data", "../latest")
    link(tmp_path, "latest", "data/v1")
    link(tmp_path, "README.md", "docs/card.md")
    before = git(tmp_path, "rev-parse", "HEAD")
    commit(tmp_path, {"docs/card.md": "2", "data/v2/rows.csv": "2"})
    assert difference(tmp_path, before) is None
    commit(tmp_path, {"data/v1/rows.csv": "2"})
    assert difference(tmp_path, before) == "data/v1/rows.csv differs"
    git(tmp_path, "reset", "--quiet", "--hard", before)
    link(tmp_path, "latest", "data/v2")
    assert difference(tmp_path, before) == "latest differs"


def test_difference__link_out_of_the_repository(tmp_path):
    folder = tmp_path / "repository"
    repository(folder)
    link(folder, "other/data", "../../elsewhere")
    before = git(folder, "rev-parse", "HEAD")
    assert difference(folder, before) is None
    link(folder, "src/data", "../../elsewhere")
    before = git(folder, "rev-parse", "HEAD")
    assert difference(folder, before) == "src/data is a link that leads out of the repository"


def test_difference__submodule(tmp_path):
    """Its files are not listed, so it counts if a glob leads into it; git's configuration cannot hide it."""
    for name in ("lib", "theme"):
        commit(init(tmp_path / name), {"a.py": "1"})
    folder = tmp_path / "repository"
    repository(folder, paths="paths: [vendor/lib/src/**/*.py, vendor/lib/a.py]\n", train="train: {run: make}\n")
    for name in ("lib", "theme"):
        add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / name))
        git(folder, *add, f"vendor/{name}")
    git(folder, "config", "--file", ".gitmodules", "submodule.vendor/lib.ignore", "all")
    git(folder, "add", ".gitmodules")
    git(folder, "commit", "--quiet", "--message", "submodules")
    before = git(folder, "rev-parse", "HEAD")
    commit(folder / "vendor/theme", {"a.py": "2"})
    assert difference(folder, before) is None
    commit(folder / "vendor/lib", {"a.py": "2"})
    assert difference(folder, before) == "vendor/lib differs"


def test_difference__untracked(tmp_path):
    """An uncommitted file counts as it would after a commit; outputs of training and ignored files do not count."""
    before = repository(tmp_path, paths="", **{".gitignore": "*.tmp\n"})
    for name in ("model.txt", "src/a.tmp", "CHANGES.txt"):
        (tmp_path / name).write_text("1")
    train = TRAIN.replace("}", ", model: model.txt}")
    text = config(baseline="none", train=train)
    before = commit(tmp_path, {"mlci.yml": text})
    assert difference(tmp_path, before) is None
    (tmp_path / "src/new.py").write_text("1")
    assert difference(tmp_path, before) == "src/new.py (git neither tracks nor ignores it) differs"


def test_difference__listed_files_that_git_ignores(tmp_path):
    before = repository(tmp_path, paths="paths: [src/**, data/**, 'lib*/**', none/**]\n", **{".gitignore": "data/\n"})
    assert difference(tmp_path, before) == "`paths:` names data/**, and git tracks none of it"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.csv").write_text("1")
    assert difference(tmp_path, before) == "`paths:` names data/**, and git tracks none of it"
    before = commit(tmp_path, {"data/rows.csv": "1"})
    assert difference(tmp_path, before) is None


def test_difference__list_that_leads_outside(tmp_path):
    before = repository(tmp_path, paths="paths: [src/**, ../shared/**]\n")
    assert difference(tmp_path, before) == "`paths:` names ../shared/**, which is outside of the repository"


def test_difference__one_model_of_several(tmp_path):
    before = repository(tmp_path)
    for name in ("a", "b"):
        text = config(baseline="none", train="train: {run: python train.py ../shared.py}\n") + "paths: ['**/*.py']\n"
        before = commit(tmp_path, {f"models/{name}/mlci.yml": text, f"models/{name}/train.py": "1"})
    commit(tmp_path, {"models/a/train.py": "2"})
    assert difference(tmp_path, before, "models/a/mlci.yml") == "models/a/train.py differs"
    assert difference(tmp_path, before, "models/b/mlci.yml") is None
    commit(tmp_path, {"models/shared.py": "2"})
    assert difference(tmp_path, before, "models/b/mlci.yml") == "models/shared.py differs"


def test_difference__configuration_by_a_link(tmp_path):
    repository(tmp_path, **{"models/base.yml": config(baseline="none") + SRC, "models/new.yml": "1"})
    link(tmp_path, "mlci.yml", "models/base.yml")
    before = git(tmp_path, "rev-parse", "HEAD")
    assert difference(tmp_path, before) is None
    commit(tmp_path, {"models/base.yml": config(baseline="none") + SRC + "# a comment\n"})
    assert difference(tmp_path, before) == "models/base.yml differs"


def test_difference__unknown_commit(tmp_path):
    repository(tmp_path)
    assert difference(tmp_path, "f" * 40) == "it is not in this clone (`fetch-depth: 0`?)"
    commit(tmp_path, {"mlci.yml": "model: 1\n"})
    (tmp_path / "mlci.yml").write_text(config(baseline="none"))
    assert "can't be compared with" in difference(tmp_path, git(tmp_path, "rev-parse", "HEAD"))
