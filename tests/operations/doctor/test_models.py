"""Findings about repositories with several models, and matrices as GitHub expands them."""

import re
from dataclasses import replace

import pytest

from mlci.operations.doctor.doctor import check_setup
from mlci.operations.doctor.matrix import combinations, fill
from mlci.operations.doctor.workflows import WorkflowFile
from tests.support.setups import GATE, ROOT, TEMPLATES, good_facts

PAGE = (ROOT / "docs" / "how-to" / "workflows" / "gate-several-models.md").read_text("utf-8")
WORKFLOW = re.search(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]


def two_models(workflow=WORKFLOW, *, second="diabetes", also=()):
    """Return the facts of two folders with a model each, seen from the first one."""
    configs = {"tumour/mlci.yml": "credit-risk", "diabetes/mlci.yml": second}
    return replace(
        good_facts(),
        config_path="tumour/mlci.yml",
        folder="tumour",
        models=configs,
        files=frozenset((*good_facts().files, *configs, *also)),
        workflows=(WorkflowFile(GATE, workflow),),
    )


def found(facts):
    return {one.name: one for one in check_setup(facts)}


def test_check_setup__a_matrix_of_models():
    assert found(two_models()) == {}


def test_check_setup__matrix_that_a_job_computes():
    assert found(two_models((TEMPLATES / "mlci-models.yml").read_text("utf-8"))) == {}


def test_check_setup__model_that_no_job_evaluates():
    without = WORKFLOW.replace("model: tumour", "model: diabetes").replace("folder: tumour", "folder: diabetes")
    (finding,) = found(two_models(without)).values()
    assert (finding.name, finding.severity) == ("model-not-evaluated", "warning")
    assert "- model: credit-risk\n  folder: tumour" in finding.lines


def test_check_setup__models_of_one_name():
    (finding,) = found(two_models(second="credit-risk")).values()
    assert (finding.name, finding.severity) == ("model-name-shared", "error")
    assert "`diabetes/mlci.yml` has a model of the name `credit-risk`" in finding.what


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("folder: diabetes", "folder: diabetic", "workflow-config-missing"),
        ("install: python", 'install: "cd tumour && python', "requirements-missing"),
    ],
)
def test_check_setup__entry_of_a_matrix_that_leads_nowhere(old, new, name):
    end = '"' if '"' in new else ""
    line = next(line for line in WORKFLOW.splitlines() if old in line)
    planted = WORKFLOW.replace(line, line.replace(old, new) + end, 1)
    (finding,) = found(two_models(planted)).values()
    assert finding.name == name


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ({"a": [1, 2], "b": ["x"]}, [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]),
        ({"a": [1, 2], "exclude": [{"a": 2}]}, [{"a": 1}]),
        ({"a": [1], "include": [{"c": 3}, {"a": 1, "d": 4}, {"a": 9}]}, [{"a": 1, "c": 3, "d": 4}, {"a": 9}]),
        ({"include": [{"m": "x"}, {"m": "y"}]}, [{"m": "x"}, {"m": "y"}]),
        ({"a": "${{ fromJSON(needs.list.outputs.models) }}"}, None),
        ("${{ fromJSON(needs.list.outputs.models) }}", None),
    ],
)
def test_combinations__as_github_forms_them(matrix, expected):
    assert combinations({"matrix": matrix}) == expected
    assert combinations(None) == [{}]


def test_fill__values_of_a_matrix():
    assert (
        fill("${{ matrix.a }}/${{matrix.b}}-${{ matrix.none }}${{ github.ref }}", {"a": 1, "b": "x"})
        == "1/x-${{ github.ref }}"
    )
