"""Parsing of mlci.yml: YAML 1.2, lines, types, and files that cannot be read."""

import os

import pytest

from mlci.config import slices
from mlci.config.loader import load_unchecked, parse_config, read_bounded_config
from mlci.config.slices import SliceColumnConfig
from mlci.errors import InputError
from mlci.gates.limits import Limit
from tests.config.samples import DESIGN, GOOD, TOTALS, edit


def find_problems(text):
    with pytest.raises(InputError) as caught:
        parse_config(text, path="mlci.yml")
    return str(caught.value).splitlines()


def test_parse_config__example_of_the_design():
    loaded = parse_config(DESIGN, path="mlci.yml")
    config = loaded.config
    assert (config.model, config.task, config.baseline) == ("credit-risk", "binary", "production")
    assert config.evaluation.slices == ("region", SliceColumnConfig(column="age", cut=(25, 40, 60)), ("sex", "region"))
    assert slices.slice_names(config.evaluation.slices) == ["region", "age", "sex × region"]
    assert config.train.timeout == 1800
    assert config.gates[0].max_drop == Limit("max_drop", 0.01)
    assert config.gates[3].max_rise == Limit("max_rise", 0.1, relative=True)
    assert str(config.gates[3].max_rise) == "10%"
    assert [gate.line for gate in config.gates] == [19, 20, 21, 22]
    assert config.policy.confidence == 0.95


@pytest.mark.parametrize("text", [GOOD, TOTALS, DESIGN], ids=["good", "totals", "design"])
def test_parse_config__line_ends_and_byte_order_mark(text):
    plain = parse_config(text, path="p")
    dressed = parse_config(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), path="p")
    assert dressed == plain


def test_lines__of_every_path():
    lines = parse_config(DESIGN, path="p").lines
    assert lines.of() == 1
    assert lines.of("evaluation") == 3
    assert lines.of("evaluation", "key") == 5
    assert lines.of("gates", 2, "across") == 21
    assert lines.of("evaluation", "classes") == 3, "a key that is not written stands where its mapping does"
    assert lines.of("nowhere") == 1


def test_lines__gate_over_several_lines():
    text = edit(
        GOOD, ("  - {metric: roc_auc, min: 0.75, max_drop: 0.01}", "  # why\n  -\n    metric: roc_auc\n    min: 0.75")
    )
    loaded = parse_config(text, path="p")
    assert loaded.config.gates[0].line == 15
    assert loaded.lines.of("gates", 0, "min") == 16
    assert str(loaded.problem("x", "gates", 0, "min")) == "p:16: x"


def test_parse_config__yaml_1_2():
    text = edit(
        GOOD, ("label: defaulted", "label: yes\n  positive: no"), ("0.75", "7.5e-1"), ("[25, 40]", "[0o31, 0x28]")
    )
    evaluation = parse_config(text, path="p").config.evaluation
    assert (evaluation.label, evaluation.positive) == ("yes", "no")
    assert evaluation.slices[1].cut == (25, 40)


def test_parse_config__dates_stay_text():
    text = edit(GOOD, ("column: age, cut: [25, 40]", "column: month, reference: 2024-01-01"))
    assert parse_config(text, path="p").config.evaluation.slices[1].reference == "2024-01-01"


@pytest.mark.parametrize(("written", "value"), [("1", 1), ("true", True), ("1.0", 1.0), ("'1'", "1"), ("y", "y")])
def test_parse_config__positive_label_keeps_its_type(written, value):
    positive = parse_config(edit(GOOD, ("key: id", f"positive: {written}")), path="p").config.evaluation.positive
    assert (type(positive), positive) == (type(value), value)


def test_parse_config__tabs_in_a_command():
    text = edit(GOOD, ("predict:", "train:\n  run: |\n    make <<EOF\n    \tx\n    EOF\npredict:"))
    assert parse_config(text, path="p").config.train.run == "make <<EOF\n\tx\nEOF\n"


def test_parse_config__anchors_without_aliases():
    assert parse_config(edit(GOOD, ("task: binary", "task: &t binary")), path="p").config.task == "binary"


def test_parse_config__all_problems_in_the_order_of_lines():
    text = edit(
        GOOD,
        ("task: binary", "tsk: binary"),
        ("key: id", "ky: id"),
        ("score: score", "score: score\n  metrics: m.json"),
        ("min: 0.75", "min: .nan, max: 10 percent"),
        ("{file: old.csv}", "{}"),
    )
    assert find_problems(text) == [
        "mlci.yml:1: `task` is missing: binary, multiclass, regression, ranking, or scores of an evaluation log",
        "mlci.yml:2: unknown key `tsk`; did you mean `task`?",
        "mlci.yml:5: unknown key `ky` in `evaluation`; did you mean `key`?",
        "mlci.yml:8: `predict` has `file` and `metrics`; keep exactly one of `run`, `file`, `model`, `metrics` or `log`",  # noqa: E501
        "mlci.yml:12: `baseline` needs one of `file`, `ref` or `log`",
        "mlci.yml:14: `gates[0].min` has to be a finite number, not `.nan`",
        "mlci.yml:14: `gates[0].max` must be a number or a percentage such as `10%`, not `10 percent`",
    ]


def test_parse_config__many_problems_are_counted():
    said = find_problems(GOOD + "".join(f"odd{number}: 1\n" for number in range(30)))
    assert len(said) == 21
    assert said[-1] == "mlci.yml:34: and 10 more problems from here on"


def test_load_unchecked__file(tmp_path):
    file = tmp_path / "mlci.yml"
    file.write_text(GOOD)
    loaded = load_unchecked(file)
    assert loaded.path == str(file)
    assert loaded.config == parse_config(GOOD, path="x").config


def test_load_unchecked__not_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.yml")
    for place, words in (
        (tmp_path / "no.yml", "the file does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.yml", "is a pipe"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            load_unchecked(place)
        assert caught.value.exit_code == 2


def test_load_unchecked__size_limit(tmp_path):
    file = tmp_path / "mlci.yml"
    file.write_bytes(b"# x\n" * 1_000_000)
    with pytest.raises(InputError, match=r"mlci\.yml:1: the file is larger than 256 KiB"):
        load_unchecked(file)


def test_load__configurations_of_folders_below(tmp_path):
    """A run at the top of a repository with several models names them."""
    for folder in ("churn", "deep/fraud", ".hidden", "venv/x", "a/b/c/d/e"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "mlci.yml").write_text("model: a\n")
    with pytest.raises(InputError) as caught:
        read_bounded_config(tmp_path / "mlci.yml")
    shown = str(caught.value).replace(f"{tmp_path}/", "")
    assert "folders below have one each: churn/mlci.yml, deep/fraud/mlci.yml. Name one of them: " in shown
    assert shown.endswith("`--config churn/mlci.yml`")
