import shutil
from dataclasses import replace

import pytest

from mlci.cli.commands.setting_up.doctor import collect_setup
from mlci.operations.doctor.checks.environment import allows_python
from mlci.operations.doctor.doctor import check_setup
from mlci.operations.doctor.facts import EnvironmentFacts
from mlci.operations.doctor.workflows import FOLDER
from tests.support.repository import commit, git, init
from tests.support.setups import CONFIG, ROOT, ROWS, good_facts, good_repository

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
TRAIN = "train:\n  run: python train.py\n  model: model.txt\n"
RARE = (
    ROWS
    + "".join(f"{i},0,{i % 2},east\n" for i in range(600, 640))
    + "".join(f"{i},0,0,west\n" for i in range(640, 650))
)


def test_check_setup__example_of_this_project(tmp_path):
    example = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in (ROOT / "examples/diabetes").iterdir()
        if path.is_file()
    }
    workflows = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / FOLDER).glob("*.yml")}
    commit(init(tmp_path), {".gitignore": (ROOT / ".gitignore").read_text("utf-8"), **example, **workflows})
    facts, _ = collect_setup(tmp_path / "examples/diabetes/mlci.yml", {})
    assert len(facts.gates) == 2
    assert check_setup(facts) == []


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return good_repository(tmp_path_factory.mktemp("setups") / "good")


@pytest.fixture
def repository(good, tmp_path):
    """A copy of the good repository, to plant in."""
    return shutil.copytree(good, tmp_path / "planted", symlinks=True)


def found(folder, config="mlci.yml"):
    facts, _ = collect_setup(folder / config, {})
    return {one.name: one for one in check_setup(facts)}


def planted(name, old="", new="", *, also=(), **files):
    return pytest.param(old, new, files, {name, *also}, id=name)


@pytest.mark.parametrize(
    ("old", "new", "files", "names"),
    [
        planted("config-invalid", "  key: id\n", "  kee: id\n"),
        planted("data-missing", TRAIN, "", holdout=None),
        planted("command-file-missing", "python train.py", "python trian.py"),
        planted("command-program-missing", "python train.py", "no-such-program train.py"),
        planted("data-lfs-pointer", holdout=LFS),
        planted("data-invalid", "  label: y\n", "  label: target\n"),
        planted("baseline-ref-missing", "{ref: main}", "{ref: mian}"),
        planted("baseline-file-missing", "{ref: main}", "{file: old.csv}"),
        planted("gate-group-too-small", also={"gate-too-few-labels", "gate-undecidable"}, holdout=RARE),
        planted("registry-lost", "{ref: main}\nregistry: github", "production", also={"production-empty"}),
        planted("registry-unread", "{ref: main}", "production"),
    ],
)
def test_check_setup__planted(repository, old, new, files, names):
    assert old in CONFIG
    (repository / "mlci.yml").write_text(CONFIG.replace(old, new), "utf-8")
    for name, text in files.items():
        path = repository / f"{name}.csv"
        path.unlink() if text is None else path.write_text(text, "utf-8")
    assert set(found(repository)) == names


def test_check_setup__notebook_without_jupyter(repository, monkeypatch):
    monkeypatch.setattr(
        "mlci.operations.doctor.collect_facts.shutil.which", lambda name, **_: name != "jupyter" or None
    )
    run = "jupyter nbconvert --to notebook --execute train.ipynb"
    (repository / "mlci.yml").write_text(CONFIG.replace("python train.py", run), "utf-8")
    (repository / "train.ipynb").write_text("{}", "utf-8")
    shown = found(repository)["command-program-missing"]
    assert shown.line == CONFIG.splitlines().index("  run: python train.py") + 1
    assert "pip install nbconvert ipykernel" in shown.lines
    assert "add to requirements.txt: nbconvert, ipykernel" in shown.lines


def test_check_setup__margin_that_equal_models_hardly_pass(repository):
    """Rows without any disagreement would do, so that it is not undecidable."""
    rows = "".join(f"{i},{i % 7},{i // 10 % 2},{('south', 'north')[i % 3 > 0]}\n" for i in range(1_500))
    (repository / "holdout.csv").write_text(f"id,x,y,region\n{rows}", "utf-8")
    (repository / "mlci.yml").write_text(CONFIG.replace("max_drop: 0.02", "max_drop: 0.003"), "utf-8")
    findings = found(repository)
    assert set(findings) == {"gate-seldom-decides"}
    finding = findings["gate-seldom-decides"]
    assert (finding.severity, finding.line) == ("warning", 18)
    assert "with 1,500 rows, `max_drop: 0.003` passes only 7 of 100 models" in finding.what


def test_check_setup__two_classes_that_are_one_number(repository):
    text = CONFIG.replace("binary", "multiclass").replace("  positive: 1\n", "").replace("each: region, ", "")
    classes = 'probabilities: {"0": a, "1": b, "1.0": c}'
    (repository / "mlci.yml").write_text(
        text.replace("decision: p", classes).replace("recall", "recall_macro"), "utf-8"
    )
    assert "the classes `1` and `1.0`, which are the same" in found(repository)["data-invalid"].what


def test_check_setup__data_in_dvc(repository):
    (repository / "holdout.csv").rename(repository / "holdout.csv.dvc")
    assert {"data-dvc-pointer"} <= set(found(repository))


def test_check_setup__data_that_no_workflow_fetches(repository):
    commit(repository, {".gitattributes": "*.csv filter=lfs\n"})
    assert set(found(repository)) == {"workflow-without-lfs"}


def test_check_setup__data_that_git_does_not_track(repository):
    (repository / "mlci.yml").write_text(CONFIG.replace(TRAIN, ""), "utf-8")
    git(repository, "rm", "--quiet", "--cached", "holdout.csv")
    assert set(found(repository)) == {"data-not-committed"}


def test_check_setup__out_tracked(repository):
    (repository / "mlci.yml").write_text(CONFIG.replace("{ref: main}\nregistry: github", "production"), "utf-8")
    commit(repository, {".mlci/registry/credit-risk/1.json": "{}"})
    assert set(found(repository)) == {"out-tracked", "registry-refused", "registry-lost"}


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("python-contradicts-lock", EnvironmentFacts(requires_python=(">=3.11,<3.13", "uv.lock"))),
        ("python-here-contradicts-lock", EnvironmentFacts(requires_python=("==3.13.*", "uv.lock"), python="3.12.1")),
        (
            "packages-contradict-lock",
            EnvironmentFacts(locks=("requirements.txt",), pins={"numpy": "2.1.0"}, installed={"numpy": "2.2.0"}),
        ),
    ],
)
def test_check_setup__planted_environment(name, environment):
    assert [one.name for one in check_setup(replace(good_facts(), environment=environment))] == [name]


@pytest.mark.parametrize(
    ("specification", "version", "allowed"),
    [
        (">=3.11", "3.11.7", True),
        (">=3.11", "3.10", False),
        (">=3.11,<3.13", "3.13", False),
        (">=3.9.2", "3.9", True),
        ("==3.12.*", "3.12.4", True),
        ("==3.12.*", "3.13", False),
        ("~=3.11", "3.14", True),
        ("~=3.11.2", "3.12", False),
        ("^3.10", "3.12", True),
        ("!=3.12", "3.12", False),
        ("<=3.12", "3.13", False),
        (">3.11", "3.11", False),
        ("<4", "3.13", True),
        ("3.12", "3.12", True),
        ("not a version", "3.12", True),
    ],
)
def test_allows_python__clauses(specification, version, allowed):
    assert allows_python(specification, version) is allowed


def test_check_setup__gate_remedy_can_be_pasted(repository):
    (repository / "mlci.yml").write_text(CONFIG.replace("max_drop: 0.02", "max_drop: 0.002"), "utf-8")
    (before,) = found(repository).values()
    assert (before.name, before.path, before.line) == ("gate-undecidable", "mlci.yml", 18)
    margin = before.lines.split("   ")[0]
    (repository / "mlci.yml").write_text(CONFIG.replace("max_drop: 0.02", margin), "utf-8")
    assert found(repository) == {}
