"""Options that several commands share: the configuration's path and the output folder."""

import pytest

from mlci.cli.options import find_above
from tests.support.project import mlci

CONFIG = """\
model: m
task: regression
predict: {metrics: metrics.json}
baseline: none
gates: [{metric: test.rmse, max: 5}]
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "mlci.yml").write_text(CONFIG)
    (tmp_path / "metrics.json").write_text('{"test": {"rmse": 3}}')
    return tmp_path


def test_find_above__nearest_configuration(project):
    assert find_above(project / "src/deep") == project / "mlci.yml"
    (project / "src/mlci.yml").write_text(CONFIG)
    assert find_above(project / "src/deep") == project / "src/mlci.yml"


def test_find_above__not_beyond_the_repository(project):
    (project / "src/deep/.git").write_text("gitdir: elsewhere\n")  # a submodule or a worktree
    assert find_above(project / "src/deep") is None


def test_find_above__outside_of_a_repository(project):
    (project / ".git").rmdir()
    assert find_above(project / "src") is None


def test_run__in_a_folder_below_the_configuration(project):
    ended = mlci("run", "--json", cwd=project / "src/deep")
    assert ended.code == 0, ended.err
    assert "mlci: using ../../mlci.yml\n" in ended.err
    assert (project / ".mlci/out/report.json").is_file()
    assert not (project / "src/deep/.mlci").exists()


def test_run__config_option_is_not_searched_for(project):
    ended = mlci("run", "--config", "mlci.yml", cwd=project / "src")
    assert ended.code == 2
    assert "using" not in ended.err
    elsewhere = mlci("run", "--out", "here", cwd=project / "src")
    assert (elsewhere.code, (project / "src/here/report.json").is_file()) == (0, True)


@pytest.mark.parametrize(("size", "code", "words"), [("2 apples", 2, "2GiB"), ("1MB", 2, "256MiB"), ("1GiB", 0, "")])
def test_run__memory(project, size, code, words):
    ended = mlci("run", "--memory", size, cwd=project)
    assert ended.code == code
    assert words in ended.err
