"""Metrics files: formats, names, numbers, and files that are rejected."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.execution.metrics_file import LARGEST, missing_metrics, read_metrics_file


def write_file(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_error(tmp_path, name, text):
    with pytest.raises(InputError) as raised:
        read_metrics_file(write_file(tmp_path, name, text), shown=name)
    assert raised.value.exit_code == 2
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics.json", '{"auc": 0.9, "test": {"f1": 1e-3, "n": 7}, "model": "rf", "cm": [[1, 2]], "when": null}'),
        ("metrics.yaml", "auc: 0.9\ntest:\n  f1: 1e-3\n  n: 7\nmodel: rf\ncm: [[1, 2]]\nwhen:\n"),
        ("metrics.yml", '{"auc": 0.9, test: {f1: 1e-3, n: 7}, model: rf, cm: [[1, 2]], when: null}'),
        ("metrics", '\ufeff{"auc": 0.9, "test": {"f1": 1e-3, "n": 7}, "model": "rf", "cm": [], "when": null}'),
        ("metrics", "auc: 0.9\ntest: {f1: 0.001, n: 7}\nmodel: rf\ncm: []\nwhen: 2024-01-01\n"),
    ],
)
def test_read_metrics_file__nested_names(tmp_path, name, text):
    found = read_metrics_file(write_file(tmp_path, name, text))
    assert found.values == {"auc": 0.9, "test.f1": 0.001, "test.n": 7.0}
    assert list(found.values) == ["auc", "test.f1", "test.n"]
    assert found.left_out == ("model", "cm", "when")


def test_read_metrics_file__toml(tmp_path):
    found = read_metrics_file(write_file(tmp_path, "m.toml", 'auc = 0.9\nmodel = "rf"\n[test]\nf1 = 0.5\n'))
    assert found.values == {"auc": 0.9, "test.f1": 0.5}


def test_missing_metrics__names():
    assert missing_metrics({"b": 1.0, "a": 2.0, "c": 3.0}, {"a": 2.0, "new": 1.0}) == ["b", "c"]
    assert missing_metrics({}, {"a": 1.0}) == []


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.json", '{\n "auc": NaN\n}', "m.json:2: “auc” is NaN, not a number: mostly 0/0, or training that diverged"),
        ("m.json", '{"auc": -Infinity}', "“auc” is -inf"),
        ("m.json", '{\n"loss": -1e400}', "m.json:2: “loss” is -1e400, larger than the largest double (1.8e308)"),
        ("m.yaml", "loss: 1.5e400\n", "m.yaml:1: “loss” is 1.5e400, larger than the largest double"),
        ("m.yaml", "loss: .inf\n", "m.yaml:1: “loss” is inf, not a number: mostly a division by 0"),
        ("m.toml", "loss = 1e400\n", "m.toml:1: “loss” is 1e400, larger than the largest double"),
        ("m.toml", "loss = -inf\n", "m.toml:1: “loss” is -inf, not a number"),
        ("m.json", '{\n "a": {\n  "auc": "0.91"}}', "m.json:3: “a.auc” is the text “0.91”, not a number"),
        ("m.json", '{"auc": "91 %"}', "is the text “91 %”, not a number"),
        ("m.json", '{"auc": "nan"}', "is the text “nan”, not a number"),
        ("m.json", '{"ok": true}', "m.json:1: “ok” is true, not a number"),
        ("m.json", '{\n"auc": 1,\n"auc": 2}', "m.json:3: “auc” is there twice"),
        ("m.json", '{"a.b": 1, "a": {"b": 2}}', "“a.b” is there twice, once as a dotted name"),
        ("m.json", '{"auc": 0.9,\n}', "m.json:2: not valid JSON"),
        ("m.json", "", "m.json:1: not valid JSON"),
        ("m.json", "[1, 2]", "a metrics file contains names with numbers"),
        ("m.json", "{}", "m.json: the file contains no number"),
        ("m.json", '{"model": "rf"}', "the file contains no number"),
        ("m.json", '{"": 1}', "a name of a metric is text of 1 to 200 characters"),
        ("m.json", '{"n": 1' + "0" * 400 + "}", "“n” is 1.00e+400, larger than the largest double"),
        ("m.json", '{"n": 1' + "0" * 5000 + "}", "can't be read"),
        ("m.json", '{"a":' * 40 + "1" + "}" * 40, "nested more than 32 deep"),
        ("m.json", '{"a":' * 90_000 + "1" + "}" * 90_000, "nested more than 32 deep"),
        ("m.json", json.dumps({str(number): 1 for number in range(10_001)}), "more than 10,000 names"),
        ("m.json", b" " * (LARGEST + 1), "larger than 16,000 kB"),
        ("m.json", b'{\n"a\xff": 1}', "m.json:2: not UTF-8 text"),
        ("m.yaml", "auc: .nan\n", "m.yaml:1: “auc” is NaN"),
        ("m.yaml", "auc: 1\nb: 2\nauc: 2\n", "m.yaml:3: not valid YAML: found duplicate key"),
        ("m.yaml", "a: [1\nb: 2\n", "not valid YAML"),
        ("m.yaml", "a: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("m.yaml", "true: 1\n", "a name of a metric is text"),
        ("m.yaml", "a: &a {b: *a}\n", "nested more than 32 deep"),
        ("m.yaml", "just text\n", "a metrics file contains names with numbers"),
        ("m.toml", "auc = 1\nauc = 2\n", "m.toml:2: not valid TOML"),
        ("m.toml", "auc = nan\n", "“auc” is NaN"),
    ],
)
def test_read_metrics_file__invalid(tmp_path, name, text, says):
    assert says in read_error(tmp_path, name, text)


OTHERS = {
    "lm-evaluation-harness": (
        {
            "results": {"arc": {"alias": "arc", "acc,none": 0.25, "acc_stderr,none": "N/A"}},
            "configs": {"arc": {"num_fewshot": 0, "doc_to_choice": ["a"], "should_decontaminate": False}},
            "git_hash": "1e400", "date": 1.5e9, "use_cache": None,
        },
        {"results.arc.acc,none": 0.25, "configs.arc.num_fewshot": 0, "date": 1.5e9},
        {"configs.arc.should_decontaminate", "git_hash", "results.arc.alias", "results.arc.acc_stderr,none",
         "configs.arc.doc_to_choice", "use_cache"},
    ),
    "trainer_state.json": (
        {
            "best_metric": 0.91, "epoch": 3.0, "is_world_process_zero": True, "trial_name": None,
            "log_history": [
                {"epoch": 1.0, "eval_accuracy": 0.8, "step": 10}, {"epoch": 2.0, "loss": 0.5, "step": 15},
                {"epoch": 3.0, "eval_accuracy": 0.9, "step": 20},
            ],
        },
        {"best_metric": 0.91, "epoch": 3.0, "eval_accuracy": 0.9, "loss": 0.5},
        {"is_world_process_zero", "trial_name"},
    ),
    "dvc metrics show --json": (
        {"": {"data": {"metrics.json": {"data": {"auc": 0.9, "time": "3 s"}}}}},
        {"data.metrics.json.data.auc": 0.9},
        {"data.metrics.json.data.time"},
    ),
    "MLflow's REST API": (
        {"run": {"data": {"metrics": [{"key": "auc", "value": 0.8}, {"key": "auc", "value": 0.9}]},
                 "info": {"status": "FINISHED"}}},
        {"run.data.metrics.auc": 0.9},
        {"run.info.status"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", OTHERS)
def test_read_metrics_file__other_tools(tmp_path, tool):
    tree, values, left_out = OTHERS[tool]
    found = read_metrics_file(write_file(tmp_path, "m.json", json.dumps(tree)))
    assert found.values == values
    assert {*found.left_out, *found.wrong} == left_out
    assert found.notes("m.json")[0].startswith("m.json: left out, not a number: ")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('"91 %"', "is the text “91 %”"),
        ("true", "is true"),
        ("NaN", "is NaN, not a number"),
        ("1e400", r"is 1e400, larger than the largest double \(1.8e308\)"),
        ("null", "is null: the metric has no value"),
        ('"high"', "is the text “high”, not a number"),
        ("[0.1, 0.2]", "is a list; a gate needs one number"),
    ],
)
def test_read_metrics_file__value_of_a_gate_is_not_a_number(tmp_path, value, says):
    found = read_metrics_file(write_file(tmp_path, "m.json", f'{{"auc": 0.9,\n"share": {value}}}'))
    found.require(["auc", "other"])
    with pytest.raises(InputError, match=r"m\.json:2: “share” " + says):
        found.require(["auc", "share"])


def test_notes__name_a_few_and_count_the_rest(tmp_path):
    text = json.dumps({"auc": 0.9} | {f"t{number}": "x" for number in range(13)})
    [note] = read_metrics_file(write_file(tmp_path, "m.json", text)).notes("m.json")
    assert note.endswith("t8, t9 and 3 more")


@pytest.mark.parametrize("line", ["%YAML 1.1", "%YAML 1.2", "%YAML x", "%YAML", "%TAG ! tag:yaml.org,2002:", "%FOO 1"])
@pytest.mark.parametrize("before", ["", "# by train.py\n\n", "\ufeff", "...\n", "  # first\r", " \r\n", "... # x\n"])
def test_read_metrics_file__yaml_directive(tmp_path, before, line):
    """Under YAML 1.1, 010 would be 8. The parser is the oracle: every directive that it sees is refused."""
    text = f"{before}{line}\n---\nauc: 010\n"
    said = read_error(tmp_path, "m.yaml", text)
    number = 1 if before in {"", "\ufeff"} else 3 if "train" in before else 2
    assert said.startswith(f"m.yaml:{number}: `{line}`: directives are not read here")
    assert said.endswith("; remove the line")


@pytest.mark.parametrize(
    "text", ["auc: 010\nnote: |\n  %YAML 1.1\n", "---\nauc: 010\nnote: >\n %TAG\n", "auc: 010 # %YAML 1.1\n"]
)
def test_read_metrics_file__per_cent_sign(tmp_path, text):
    assert read_metrics_file(write_file(tmp_path, "m.yaml", text)).values == {"auc": 10}


def test_read_metrics_file__alias_bomb(tmp_path):
    bomb = "a0: &a0 {x: 1, y: 2}\n" + "".join(
        f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}\n" for n in range(1, 12)
    )
    assert "more than 10,000 names" in read_error(tmp_path, "m.yaml", bomb)


def test_read_metrics_file__many_problems(tmp_path):
    text = read_error(tmp_path, "m.json", json.dumps({f"m{number}": True for number in range(25)}))
    assert len(text.splitlines()) == 21
    assert text.endswith("m.json: and 6 more")


def test_read_metrics_file__not_found(tmp_path):
    with pytest.raises(InputError, match="can't read the metrics file: No such file"):
        read_metrics_file(tmp_path / "gone.json")


NAMES = st.text(st.characters(exclude_characters=".", exclude_categories=["Cs"]), min_size=1, max_size=8)
TREES = st.recursive(
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(tree=st.dictionaries(NAMES, TREES, min_size=1, max_size=4))
def test_read_metrics_file__any_json_tree(tmp_path_factory, tree):
    path = tmp_path_factory.getbasetemp() / "tree.json"
    path.write_text(json.dumps(tree))

    def leaves(node, above=()):
        if isinstance(node, dict):
            return [leaf for key, value in node.items() for leaf in leaves(value, (*above, key))]
        return [(".".join(above), float(node))]

    assert list(read_metrics_file(path).values.items()) == leaves(tree)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200))
def test_read_metrics_file__any_bytes(tmp_path_factory, data):
    for name in ("b.json", "b.yaml", "b.toml", "b"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(data)
        try:
            assert all(math.isfinite(value) for value in read_metrics_file(path).values.values())
        except InputError as error:
            assert error.problems  # noqa: PT017 - one of two good outcomes


EPOCHS = [{"epoch": 1, "val_auc": 0.7, "loss": 0.6}, {"epoch": 2, "val_auc": 0.9}, {"epoch": 3, "val_auc": 0.8}]
HISTORIES = {
    "list": (
        EPOCHS[1:],
        {"val_auc": 0.8},
        "it has 2 entries by epoch; the last one, epoch 3, is judged",
    ),
    "names that only some entries have": (
        EPOCHS,
        {"val_auc": 0.8, "loss": 0.6},
        "it has 3 entries by epoch; the last value of each name, epoch 3, is judged",
    ),
    "best": (
        {"best_epoch": 2, "history": EPOCHS, "seconds": 9},
        {"best_epoch": 2, "history.val_auc": 0.9, "seconds": 9},
        "“history” has 3 entries by epoch; the one that `best_epoch` names, epoch 2, is judged",
    ),
    "best that does not exist": (
        {"best_epoch": 7, "history": EPOCHS[1:]},
        {"best_epoch": 7, "history.val_auc": 0.8},
        "“history” has 2 entries by epoch; the last one, epoch 3, is judged",
    ),
    "lists": (
        {"loss": [0.6, 0.5, 0.4], "val_auc": [0.7, 0.9, 0.8]},
        {"loss": 0.4, "val_auc": 0.8},
        "it has lists of 3 values, one for each epoch; the last of each is judged",
    ),
}


@pytest.mark.parametrize("form", HISTORIES)
def test_read_metrics_file__history_of_epochs(tmp_path, form):
    tree, values, words = HISTORIES[form]
    found = read_metrics_file(write_file(tmp_path, "m.json", json.dumps(tree)))
    assert found.values == values
    assert found.notes("m.json") == (f"m.json: {words}",)


@pytest.mark.parametrize(
    "tree",
    [
        [{"model": "forest", "auc": 0.9}, {"model": "line", "auc": 0.8}],
        [],
        [{"epoch": True, "auc": 0.9}],
        [0.8, 0.9],
    ],
    ids=["models", "empty", "truth value", "numbers"],
)
def test_read_metrics_file__list_that_is_not_a_history(tmp_path, tree):
    with pytest.raises(InputError, match="or a list of such entries by epoch"):
        read_metrics_file(write_file(tmp_path, "m.json", json.dumps(tree)))


def test_read_metrics_file__lists_that_are_not_epochs(tmp_path):
    """A value for each class is not a history: a gate on it needs one number."""
    tree = {"auc": 0.9, "f1": [0.8, 0.9]}
    assert set(read_metrics_file(write_file(tmp_path, "m.json", json.dumps(tree))).unusable) == {"f1"}
    tree = {"precision": [0.7, 0.8], "f1": [0.8, 0.9]}
    with pytest.raises(InputError, match="the file contains no number"):
        read_metrics_file(write_file(tmp_path, "m.json", json.dumps(tree)))
