"""Differences between the provenance of two models, one row for each kind."""

from dataclasses import replace

import pytest

from mlci.lineage.compare import MOST, compare_origins
from mlci.lineage.origin import ChangedFiles, Origin

ONE = Origin(
    commit="a" * 40,
    fingerprint="sha256:e1",
    pointers={"data/train.csv": "md5:1"},
    config="sha256:c1",
    config_path="mlci.yml",
    settings={"predict": {"threshold": 0.5}, "gates": [{"metric": "recall", "max_drop": 0.01}]},
    python="3.11.2",
    mlci="0.1.0",
    locks={"uv.lock": "sha256:l1"},
    packages={"numpy": "1.26.4"},
    model="sha256:m1",
)
OTHER = "b" * 40
SETTINGS = {
    "predict": {"threshold": 0.4},
    "gates": [{"metric": "f1", "min": 0.5}, {"metric": "recall", "max_drop": 0.01}],
}


def rows(before, after, names=None):
    found = compare_origins(before, after, None if names is None else ChangedFiles(names=names))
    assert [row.kind for row in found] == ["code", "evaluation", "data", "configuration", "environment", "model"]
    return {row.kind: row for row in found}


def item_texts(row):
    return {item.name: (item.how, item.before, item.after) for item in row.items}


def test_compare__equal():
    assert not any(row.changed or row.items for row in rows(ONE, ONE, {}).values())


@pytest.mark.parametrize(
    ("changes", "kind", "items"),
    [
        ({"fingerprint": "sha256:e2"}, "evaluation", {}),
        ({"pointers": {"data/train.csv": "md5:2"}}, "data", {"data/train.csv": ("changed", "md5:1", "md5:2")}),
        ({"pointers": {}}, "data", {"data/train.csv": ("removed", "md5:1", None)}),
        (
            {"config": "sha256:c2", "settings": SETTINGS},
            "configuration",
            {"predict.threshold": ("changed", "0.5", "0.4"), "gates[f1].min": ("added", None, "0.5")},
        ),
        (
            {"locks": {"uv.lock": "sha256:l2"}, "packages": {"numpy": "2.0.1", "scipy": "1"}},
            "environment",
            {
                "uv.lock": ("changed", None, None),
                "numpy": ("changed", "1.26.4", "2.0.1"),
                "scipy": ("added", None, "1"),
            },
        ),
        ({"python": "3.12.0"}, "environment", {"Python": ("changed", "3.11.2", "3.12.0")}),
        ({"model": "sha256:m2"}, "model", {}),
    ],
)
def test_compare__one_change(changes, kind, items):
    found = rows(ONE, replace(ONE, **changes), {})
    assert [name for name, row in found.items() if row.changed] == [kind]
    assert item_texts(found[kind]) == items
    assert found[kind].before != found[kind].after


def test_compare__files_of_other_kinds_are_not_code():
    elsewhere = ("m/mlci.yml", "uv.lock", "dvc.lock", "data/train.csv.dvc", "rows/a.csv", "rows/b.csv", "train.py")
    names = dict.fromkeys(elsewhere, "changed")
    after = replace(ONE, commit=OTHER, config_path="m/mlci.yml", settings={"evaluation": {"data": "../rows/*.csv"}})
    found = rows(ONE, after, names)["code"]
    assert (found.changed, [item.name for item in found.items]) == (True, ["train.py"])
    del names["train.py"]
    found = rows(ONE, after, names)["code"]
    assert (found.changed, found.reason) == (False, "other commits, the same code")


@pytest.mark.parametrize(
    ("before", "after", "changed", "why"),
    [
        ({}, {"commit": OTHER}, True, "which files is not known"),
        ({}, {"dirty": True}, True, "the candidate had uncommitted changes"),
        ({"dirty": True}, {}, None, "the baseline had uncommitted changes"),
        ({"commit": None}, {}, None, "the baseline is from outside of git"),
        ({}, {"commit": None}, None, "the candidate is from outside of git"),
    ],
)
def test_compare__code_partly_unknown(before, after, changed, why):
    found = rows(replace(ONE, **before), replace(ONE, **after))["code"]
    assert found.changed is changed
    assert found.reason.startswith(why)


@pytest.mark.parametrize(
    ("changes", "kind", "changed", "why"),
    [
        ({"config": "sha256:c2"}, "configuration", False, "written differently"),
        ({"config": "sha256:c2", "settings": None}, "configuration", True, "which keys is not known"),
        ({"packages": None}, "environment", False, "which packages is not known"),
        ({"model": None}, "model", None, "not both left a model"),
    ],
)
def test_compare__remark_if_a_digest_is_not_enough(changes, kind, changed, why):
    found = rows(ONE, replace(ONE, **changes), {})[kind]
    assert (found.changed, found.reason.startswith(why)) == (changed, True)


def test_compare__installed_packages_without_lock_files():
    bare = replace(ONE, locks={}, packages=None, installed={"numpy": "1", "mlci": "0.1.0"})
    found = rows(bare, replace(bare, installed={"numpy": "2", "mlci": "0.1.0"}), {})["environment"]
    assert item_texts(found) == {"numpy": ("changed", "1", "2")}
    assert found.reason == "no lock files: packages are those beside mlci"


def test_compare__training_data_unknown_without_pointers():
    bare = replace(ONE, pointers={})
    assert rows(bare, bare, {})["data"].changed is None


def test_compare__many_files_are_counted():
    names = {f"src/{number:03}.py": "changed" for number in range(MOST + 7)}
    found = rows(ONE, replace(ONE, commit=OTHER), names)["code"]
    assert (len(found.items), found.more) == (MOST, 7)


def test_compare__gates_on_the_same_metric_are_numbered():
    gates = [{"metric": "f1", "each": ["sex", "age"], "min": 0.1}, {"metric": "f1", "each": ["sex", "age"], "max": 0.9}]
    changed = replace(ONE, config="sha256:c2", settings={"gates": gates})
    found = item_texts(rows(ONE, changed, {})["configuration"])
    assert found["gates[f1, each: [sex, age]].min"] == ("added", None, "0.1")
    assert found["gates[f1, each: [sex, age] (2)].max"] == ("added", None, "0.9")
