"""All problems of a file at once: values, keys, gates and metrics, and no consequential errors."""

import pytest

from mlci.config.loader import parse_config, parse_draft
from mlci.config.models import MetricsConfig, RowsConfig
from mlci.config.read import load, load_text
from mlci.errors import InputError
from mlci.metrics import catalogue
from tests.config.refusals import CASES, GATE, WHOLE
from tests.config.samples import DESIGN, GOOD, TOTALS, edit

ASTRAY = """\
  - {metric: recal, min: 0.5}
  - {metric: brier_score_loss, max_drop: 0.1}
"""
UNKNOWN = "unknown metric `recal`; did you mean `recall`?"
WRONG_WAY = ".max_drop` would limit an improvement: lower is better for `brier_score_loss`; use `max_rise`"


def find_problems(text, reader=load_text, **options):
    with pytest.raises(InputError) as caught:
        reader(text, path="m", **options)
    return str(caught.value).splitlines()


def find_messages(text):
    return find_problems(text, catalogue=catalogue)


def test_load__valid_file(tmp_path):
    file = tmp_path / "mlci.yml"
    for text, kind in ((GOOD, RowsConfig), (TOTALS, MetricsConfig), (DESIGN, RowsConfig)):
        file.write_text(text)
        loaded, parsed = load(file, catalogue), parse_config(text, path=str(file))
        assert type(loaded.config) is kind
        assert loaded.config.model_dump_json() == parsed.config.model_dump_json()
        assert loaded.config.model_fields_set == parsed.config.model_fields_set
        assert [gate.line for gate in loaded.config.gates] == [gate.line for gate in parsed.config.gates]
        assert (loaded.lines, loaded.path) == (parsed.lines, parsed.path)


def test_load__values_keys_gates_and_metrics_at_once():
    text = edit(
        GOOD + ASTRAY + "  - {metric: recall, max_rise: 0.1, max_drop: .nan}\n  - {metric: f1, mn: 0.5}\n",
        ("task: binary", "task: binary\nmodell: x"),
        ("key: id", "ky: id\n  metrics: [recal]"),
    )
    assert find_messages(text) == [
        "m:3: unknown key `modell`; did you mean `model`?",
        "m:6: unknown key `ky` in `evaluation`; did you mean `key`?",
        f"m:7: {UNKNOWN}",
        f"m:16: {UNKNOWN}",
        f"m:17: `gates[2]{WRONG_WAY}",
        "m:18: `gates[3].max_drop` has to be a finite number, not `.nan`",
        "m:19: unknown key `mn` in `gates[4]`; did you mean `min`?",
        "m:19: `gates[4]` has no limit; add `min`, `max`, `max_drop`, `max_rise` or `superior_by`",
    ]


def test_load__metrics_file():
    text = TOTALS + "  - {metric: val.loss, max_drop: 1%}\n  - {metric: auc, min: 0.5, min: 0.6}\n"
    assert find_messages(text) == [
        "m:7: `gates[1].max_drop` would limit an improvement: lower is better for `val.loss`; use `max_rise`",
        "m:8: `gates[2].min` stands twice, on line 8; keep one",
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_load__one_mistake_one_line(case):
    *changes, expected = case
    assert find_messages(edit(GOOD, *changes)) == [f"m:{expected}"]


def _is_whole(name):
    try:
        text = edit(GOOD, *CASES[name][:-1])
        return name not in {"no gates", "gates as mapping"} and parse_draft(text, path="m")[0].whole
    except InputError:
        return False


SEEN = [name for name in CASES if _is_whole(name)]


@pytest.mark.parametrize("name", SEEN)
def test_load__one_mistake_hides_no_other(name):
    *changes, _ = CASES[name]
    *_, line = find_messages(edit(GOOD, *changes) + ASTRAY)
    assert line.endswith(WRONG_WAY)


def test_load__most_mistakes_leave_a_readable_rest():
    assert len(SEEN) > 60


FRAMES = {
    "the task": ("task: binary", "tsk: binary"),
    "another task": ("task: binary", "task: binry"),
    "the source": ("file: predictions.csv", "fil: predictions.csv"),
    "two sources": ("file: predictions.csv", "file: predictions.csv\n  metrics: m.json"),
    "the score": ("score: score", "scor: score"),
    "the baseline": ("baseline:", "baselin:"),
    "the evaluation": ("evaluation:", "evaluaton:"),
    "the slices": ("slices:", "slice:"),
    "one slice": ("{column: age,", "{colum: age,"),
    "the label": ("label:", "lable:"),
    "a new key": ("task:", "train_it: {run: x}\ntask:"),
}


@pytest.mark.parametrize("change", FRAMES.values(), ids=FRAMES)
def test_load__rejected_part_causes_no_further_line(change):
    text = edit(GOOD, (GATE, f"{GATE}\n  - {{metric: recall, each: age, max_drop: 0.1}}"), change)
    assert find_messages(text) == find_problems(text, parse_config)


@pytest.mark.parametrize("change", FRAMES.values(), ids=FRAMES)
def test_load__rejected_part_hides_no_wrong_direction(change):
    text = edit(GOOD + ASTRAY, change)
    first = next(number for number, line in enumerate(text.splitlines(), 1) if "brier_score_loss" in line)
    assert f"m:{first}: `gates[2]{WRONG_WAY}" in find_messages(text)


@pytest.mark.parametrize(("data", "expected"), WHOLE.values(), ids=WHOLE)
def test_load__invalid_file(data, expected):
    assert find_messages(data) == [f"m:{expected}"]


def test_load__file_not_found(tmp_path):
    with pytest.raises(InputError, match="the file does not exist"):
        load(tmp_path / "no.yml", catalogue)
