"""Invalid configurations, and the literal message of each."""

# ruff: noqa: E501 - a table reads best with one case a line

import pytest

from mlci.config.loader import parse_config
from mlci.errors import InputError
from tests.config.samples import GOOD, changed

GATE = "{metric: roc_auc, min: 0.75, max_drop: 0.01}"
KEYS = "metric, each, on, params, across, min, max, max_drop, max_rise, judge, noise, policy"

CASES = {
    # keys
    "misspelt top key": [("baseline:", "base_line:"), "11: unknown key `base_line`; did you mean `baseline`?"],
    "misspelt limit": [("max_drop", "max_dorp"), "13: unknown key `max_dorp` in `gates[0]`; did you mean `max_drop`?"],
    "other people's word": [("label: defaulted", "label: d\n  target: y"), "7: unknown key `target` in `evaluation`; did you mean `label`?"],
    "nothing like it": [("max_drop: 0.01", "zzz: 1"), f"13: unknown key `zzz` in `gates[0]`; known keys: {KEYS}"],
    "key of another part": [("key: id", "threshold: 0.5"), "5: unknown key `threshold` in `evaluation`; it belongs in `predict`"],
    "key of the top": [("key: id", "gates: []"), "5: unknown key `gates` in `evaluation`; it belongs at the top level"],
    "no space after the colon": [("metric: roc_auc,", "metric: roc_auc, judge:interval,"), "13: `gates[0].judge:interval` has no value; put a space after the `:`"],
    "the internal line": [("min: 0.75", "line: 3, min: 0.75"), f"13: unknown key `line` in `gates[0]`; known keys: {KEYS}"],
    "twice": [("key: id", "key: id\n  label: y"), "7: `evaluation.label` stands twice, on lines 6 and 7; keep one"],
    "twice on a line": [("min: 0.75", "min: 1, min: 0.75"), "13: `gates[0].min` stands twice, on line 13; keep one"],
    "twice at the top": [("predict:", "task: regression\npredict:"), "8: `task` stands twice, on lines 2 and 8; keep one"],
    "missing label": [("  label: defaulted\n", ""), "3: `evaluation.label` is missing: column with the true values"],
    "missing data": [("  data: holdout.csv\n", ""), "3: `evaluation.data` is missing: CSV, Parquet or JSON Lines: a path, a glob or a URL (s3://, gs://, https://)"],
    "missing metric": [("metric: roc_auc, ", ""), "13: `gates[0].metric` is missing: a metric of the catalogue, a scikit-learn name, or `module:function`"],
    # words and names
    "unknown task": [("task: binary", "task: clasification"), "2: `task` must be binary, multiclass or regression, not `clasification`"],
    "misspelt task": [("task: binary", "task: Binary"), "2: `task` must be binary, multiclass or regression, not `Binary`; did you mean `binary`?"],
    "model with a space": [("credit-risk", "credit risk"), "1: `model` must be letters, digits, `.`, `_` and `-`, at most 100, beginning with a letter or digit, not `credit risk`; write `credit-risk`"],
    "number as a column": [("label: defaulted", "label: 2020"), "6: `evaluation.label` must be text, not `2020`; write it in quotes: '2020'"],
    "flag as a column": [("label: defaulted", "label: true"), "6: `evaluation.label` must be text, not `true`; write it in quotes: 'true'"],
    "blank": [("label: defaulted", "label: '  '"), "6: `evaluation.label` must not be empty"],
    "long": [("label: defaulted", f"label: {'x' * 201}"), "6: `evaluation.label` is too long; at most 200 characters"],
    "nothing": [("label: defaulted", "label:"), "6: `evaluation.label` has no value; give it one or remove it"],
    "null": [("baseline: {file: old.csv}", "baseline: ~"), "11: `baseline` has no value; give it one or remove it; write `none` to compare with nothing"],
    # numbers
    "NaN": [("0.75", ".nan"), "13: `gates[0].min` has to be a finite number, not `.nan`"],
    "infinity": [("0.75", "-.inf"), "13: `gates[0].min` has to be a finite number, not `-.inf`"],
    "overflow": [("0.75", "1e999"), "13: `gates[0].min` has to be a finite number, not `1e999`"],
    "bare nan": [("0.75", "NaN"), "13: `gates[0].min` has to be a finite number, not `NaN`"],
    "flag as a limit": [("0.75", "true"), "13: `gates[0].min` must be a number or a percentage such as `10%`, not `true`"],
    "quoted number": [("0.75", "'0.75'"), "13: `gates[0].min` must be a number without quotes, not `0.75`"],
    "comma": [("0.75", "'0,75'"), "13: `gates[0].min` must be a number or a percentage such as `10%`, not `0,75`"],
    "fraction of a group": [("key: id", "max_groups: 2.5"), "5: `evaluation.max_groups` must be a whole number, not `2.5`"],
    "too many groups": [("key: id", "max_groups: 20000"), "5: `evaluation.max_groups` must be at most 10000, not `20000`"],
    "flag as a count": [("key: id", "max_groups: true"), "5: `evaluation.max_groups` must be a whole number, not `true`"],
    "confidence in per cent": [("gates:", "policy: {confidence: 95}\ngates:"), "12: `policy.confidence` must be below 1, not `95`"],
    "confidence as text": [("gates:", "policy: {confidence: 95%}\ngates:"), "12: `policy.confidence` must be a number, not `95%`"],
    "low confidence": [("gates:", "policy: {confidence: 0.05}\ngates:"), "12: `policy.confidence` must be at least 0.5, not `0.05`"],
    "time": [("score: score", "score: s\n  timeout: 30 minutes"), "11: `predict.timeout` must be a time such as `90s`, `30m` or `1h30m`, not `30 minutes`"],
    "no time": [("score: score", "score: s\n  timeout: 0"), "11: `predict.timeout` must be a time above 0 and of at most 365d, not `0`"],
    # one of several
    "two sources": [("file: predictions.csv", "file: p\n  run: python p.py"), "8: `predict` has `run` and `file`; keep exactly one of `run`, `file`, `model` or `metrics`"],
    "no source": [("  file: predictions.csv\n", ""), "8: `predict` needs one of `run`, `file`, `model` or `metrics`"],
    "predict as text": [("predict:\n  file: predictions.csv\n  score: score", "predict: predictions.csv"), "8: `predict` must be a mapping with keys, not `predictions.csv`"],
    "runner's token": [("score: score", "score: s\n  env: [DATA_TOKEN, GITHUB_TOKEN]"), "11: `predict.env[1]` names GITHUB_TOKEN, a token or file of GitHub's runner that no command gets; remove it. If a command needs its own token, store it as a secret and give it another name in the step's `env:`, such as `DATA_TOKEN: ${{ secrets.DATA_TOKEN }}`"],
    "runner's token in small letters": [("predict:", "train: {run: make, env: [gh_token]}\npredict:"), "8: `train.env[0]` names gh_token, a token or file of GitHub's runner that no command gets; remove it. If a command needs its own token, store it as a secret and give it another name in the step's `env:`, such as `DATA_TOKEN: ${{ secrets.DATA_TOKEN }}`"],
    "mlci's own variable": [("score: score", "score: s\n  env: [MLCI_DATA]"), "11: `predict.env[0]` names MLCI_DATA, which mlci sets itself or keeps to itself; remove it"],
    "baseline branch": [("{file: old.csv}", "main"), "11: `baseline` must be production, none, {ref: …} or {file: …}, not `main`; write `baseline: {ref: main}`"],
    "baseline file": [("{file: old.csv}", "old.csv"), "11: `baseline` must be production, none, {ref: …} or {file: …}, not `old.csv`; write `baseline: {file: old.csv}`"],
    "key of two columns": [("key: id", "key: [id, day]"), '5: `evaluation.key` must be text, not a list; make one column of several, `df["key"] = df[["id", "day"]].astype(str).agg("-".join, axis=1)`, in both files, and write `key: key`'],
    "baseline number": [("{file: old.csv}", "3"), "11: `baseline` must be `production`, `none`, `{ref: …}` or `{file: …}`, not `3`"],
    "baseline list": [("{file: old.csv}", "[main]"), "11: `baseline` must be `production`, `none`, `{ref: …}` or `{file: …}`, not a list"],
    "both baselines": [("{file: old.csv}", "{file: old.csv, ref: main}"), "11: `baseline` has `file` and `ref`; keep exactly one of `file` or `ref`"],
    "empty baseline": [("{file: old.csv}", "{}"), "11: `baseline` needs one of `file` or `ref`"],
    "misspelt baseline": [("{file: old.csv}", "{ref: main, fiel: x}"), "11: unknown key `fiel` in `baseline`; did you mean `file`?"],
    "registry with another scheme": [("{file: old.csv}", "none\nregistry: s3a://b/p"), "12: `registry` must be written `s3://bucket/prefix`, not `s3a://b/p`"],
    "registry without slashes": [("{file: old.csv}", "none\nregistry: 's3:b'"), "12: `registry` must be written `s3://bucket/prefix`, not `s3:b`"],
    "registry without a bucket": [("{file: old.csv}", "none\nregistry: gs://"), "12: `registry` must be written `gs://bucket/prefix`, not `gs://`"],
    "registry in capitals": [("{file: old.csv}", "none\nregistry: GitHub"), "12: `registry` must be the word `github` for this repository, not `GitHub`"],
    "registry by address": [("{file: old.csv}", "none\nregistry: http://x:5000"), "12: `registry` must be `mlflow:http://host:port` or `mlflow:sqlite:///path` for MLflow, not `http://x:5000`"],
    "registry of nothing": [("{file: old.csv}", "none\nregistry: ftp://x"), "12: `registry` must be a folder, `s3://…`, `gs://…`, `az://…`, `github`, `mlflow:http://host:port` or `mlflow:sqlite:///path`, not `ftp://x`"],
    "registry at home": [("{file: old.csv}", "none\nregistry: ~/models"), "12: `registry` must be a whole path (`~` is not replaced here), not `~/models`"],
    "registry with a password": [("{file: old.csv}", "none\nregistry: s3://key:secret@bucket"), "12: an address contains credentials; credentials belong in the environment of the job, never in an address; remove them, and replace them if seen"],
    "registry as a file": [("{file: old.csv}", "none\nregistry: file:///x"), "12: `registry` must be a path without `file:`, not `file:///x`"],
    "registry of a number": [("{file: old.csv}", "none\nregistry: 3"), "12: `registry` must be text, not `3`; write it in quotes: '3'"],
    "misspelt registry": [("{file: old.csv}", "none\nregistri: x"), "12: unknown key `registri`; did you mean `registry`?"],
    "option as ref": [("{file: old.csv}", "{ref: --output=x}"), "11: `baseline.ref` must name a branch, a tag or a commit, not `--output=x`"],
    "slice number": [("[region,", "[5,"), "7: `evaluation.slices[0]` must be a column's name, `{column: …, cut: […]}`, or a list of columns to cross, not `5`"],
    "slices as text": [("[region, {column: age, cut: [25, 40]}, [sex, region]]", "region"), "7: `evaluation.slices` must be a list, not `region`; write `[region]`"],
    "crossing of one": [("[sex, region]", "[sex]"), "7: `evaluation.slices[2]` must list at least 2 entries"],
    "number in a crossing": [("[sex, region]", "[sex, 5]"), "7: `evaluation.slices[2][1]` must be a column's name, or `{column: …, cut: […]}`, not `5`"],
    "crossing in a crossing": [("[sex, region]", "[sex, [region]]"), "7: `evaluation.slices[2][1]` must be a column's name, or `{column: …, cut: […]}`, not a list"],
    "falling edges": [("[25, 40]", "[40, 25]"), "7: `evaluation.slices[1].cut` must ascend, each edge above the one before"],
    "equal edges": [("[25, 40]", "[25, 25]"), "7: `evaluation.slices[1].cut` must ascend, each edge above the one before"],
    "edge as text": [("[25, 40]", "[25, old]"), "7: `evaluation.slices[1].cut[1]` must be a number, not `old`"],
    "no edges": [("[25, 40]", "[]"), "7: `evaluation.slices[1].cut` must list at least one entry"],
    "cut without column": [("column: age, ", ""), "7: `evaluation.slices[1].column` is missing: name of the column in the evaluation set"],
    "each as mapping": [("min: 0.75", "each: {column: age}, min: 0.75"), "13: `gates[0].each` must be the name of a slice, or a list of the columns of a crossing, not a mapping"],
    "list as label value": [("key: id", "positive: [1]"), "5: `evaluation.positive` must be a single value: text, a number, true or false, not a list"],
    "one class": [("key: id", "classes: [a]"), "5: `evaluation.classes` must list at least 2 entries"],
    # gates
    "no gates": [(f"gates:\n  - {GATE}", "gates: []"), "12: `gates` must list at least one entry"],
    "gates as mapping": [(f"gates:\n  - {GATE}", f"gates: {GATE}"), "12: `gates` must be a list, not a mapping; begin each entry with `- `"],
    "gate as text": [(GATE, "roc_auc"), "13: `gates[0]` must be a mapping with keys, not `roc_auc`"],
    "no limit": [(", min: 0.75, max_drop: 0.01", ""), "13: `gates[0]` has no limit; add `min`, `max`, `max_drop` or `max_rise`"],
    "each and across": [("min: 0.75", "each: region, across: age, min: 0.75"), "13: `gates[0]` has both `each` (one gate per group) and `across` (their disparity); keep one, or write two gates"],
    "judge": [("min: 0.75", "judge: intervals, min: 0.75"), "13: `gates[0].judge` must be estimate or interval, not `intervals`; did you mean `interval`?"],
    "gate policy": [("min: 0.75", "policy: {inconclusive: fail}, min: 0.75"), "13: `gates[0].policy.inconclusive` must be warn or block, not `fail`"],
    "comment policy": [("gates:", "policy: {comment: on_change}\ngates:"), "12: `policy.comment` must be always, on-change, on-failure or never, not `on_change`; did you mean `on-change`?"],
    "empty entry": [(GATE, f"{GATE}\n  -"), "14: `gates[1]` has no value; give it one or remove it"],
    # YAML
    "alias": [("key: id", "key: *id"), '5: `*id`: aliases are not read here; write the value out; as text: `key: "*id"`'],
    "tag": [("key: id", "key: !!str id"), "5: `evaluation.key` carries a YAML tag; write the value without it"],
    "python tag": [("key: id", "key: !!python/object:os.system id"), "5: `evaluation.key` carries a YAML tag; write the value without it"],
    "second document": [("predict:", "---\npredict:"), "8: a second document begins here; keep one, and remove the `---`"],
    "tab": [("  key: id", "\tkey: id"), "5: YAML does not allow a tab here; use spaces"],
    "indentation": [("  key: id", " key: id"), "5: the indentation does not fit the lines above it"],
    "two colons": [("key: id", "key: id: x"), '5: a `:` is not allowed here; check the indentation, or quote the text; as text: `key: "id: x"`'],
    "open bracket": [("[sex, region]]", "[sex, region]"), "8: the `[` of line 7 is not closed by `]`, or a comma is missing"],
    "open brace": [("max_drop: 0.01}", "max_drop: 0.01"), "14: the `{` of line 13 is not closed by `}`, or a comma is missing"],
    "open quote": [("key: id", "key: 'id"), "5: a quote that opens here is never closed"],
    "at sign": [("key: id", "key: @id"), '5: no value can begin with this character; put quotes around it; as text: `key: "@id"`'],
    "greater than": [("key: id", "positive: >50K"), '5: the text after `|` or `>` begins on the next line; as text: `positive: ">50K"`'],
    "tag for a text": [("key: id", "positive: !x"), '5: `evaluation.positive` carries a YAML tag; write the value without it; as text: `positive: "!x"`'],
    "tilde": [("key: id", "positive: ~"), '5: `evaluation.positive` has no value; give it one or remove it; as text: `positive: "~"`'],
    "not a number as text": [("key: id", "positive: .nan"), '5: `evaluation.positive` has to be a finite number, not `.nan`; as text: `positive: ".nan"`'],
    "escape": [("key: id", 'key: "\\q"'), "5: an unknown `\\` escape in double quotes; use single quotes"],
    "complex key": [("key: id", "? [id]\n  : x"), "5: a key has to be a plain word"],
    "control character": [("key: id", "key: i\x07d"), "5: the control character U+0007 at column 9; remove it"],
    "escaped control character": [("key: id", 'key: "i\\0d"'), "5: `evaluation.key` contains the control character U+0000"],
    "surrogate": [("key: id", 'key: "\\ud800"'), "5: `evaluation.key` contains the control character U+D800"],
    "lone carriage return": [("key: id", "key: i\rd"), "5: a carriage return alone at column 9; remove it"],
    "Unicode line break": [("key: id", "key: i\u2028d"), "5: the control character U+2028 at column 9; remove it"],
    "deep": [("key: id", f"key: {'[' * 15}"), "5: nested deeper than 12 levels"],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parse_config__one_mistake_one_line(case):
    *changes, expected = case
    with pytest.raises(InputError) as caught:
        parse_config(changed(GOOD, *changes), path="mlci.yml")
    assert str(caught.value) == f"mlci.yml:{expected}"
    assert caught.value.exit_code == 2


DIRECTIVE = "directives are not read here, because they change values (by `%YAML 1.1`, 010 is 8 and 1:30 is 90); remove the line"
WHOLE = {
    "empty": (b"", "1: the file is empty; it needs at least `model`, `task`, `predict` and `gates`"),
    "comments only": (b"# soon\n", "1: the file is empty; it needs at least `model`, `task`, `predict` and `gates`"),
    "nothing but a mark": (b"---\n", "1: the file is empty; it needs at least `model`, `task`, `predict` and `gates`"),
    "list": (b"- a\n- b\n", "1: the file is a list; it has to be a mapping with keys: `model:`, `task:`, \u2026"),
    "text": (b"hello\n", "1: the file is a single value; it has to be a mapping with keys: `model:`, `task:`, \u2026"),
    "bytes": (b"model: x\ntask: \xff\n", "2: byte 0xff is not UTF-8; save the file as UTF-8"),
    "latin-1": ("model: x\n\nlabel: größe\n".encode("latin-1"), "3: byte 0xf6 is not UTF-8; save the file as UTF-8"),
    "utf-16": ("model: x\n".encode("utf-16"), "1: the file is UTF-16; save it as UTF-8"),
    "large": (b"# " * 140_000, "1: the file is larger than 256 KiB"),
    "many values": (b"[" + b"1," * 20_000 + b"]", "1: the file has more than 10,000 values"),
    "other version": (b"%YAML 3.0\n---\na: 1\n", "1: `%YAML 3.0`: " + DIRECTIVE),
    "version 1.1": (b"# ours\n%YAML 1.1\n---\nmodel: 010\n", "2: `%YAML 1.1`: " + DIRECTIVE),
    "prefix of tags": (b"%TAG ! tag:yaml.org,2002:\n---\nmodel: !str x\n", "1: `%TAG ! tag:yaml.org,2002:`: " + DIRECTIVE),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), WHOLE.values(), ids=WHOLE)
def test_parse_config__invalid_file(data, expected):
    with pytest.raises(InputError) as caught:
        parse_config(data, path="mlci.yml")
    assert str(caught.value) == f"mlci.yml:{expected}"


def test_parse_config__alias_bomb():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(InputError, match="aliases are not read here"):
        parse_config("\n".join(lines), path="mlci.yml")


def test_parse_config__gates_by_name_are_one_problem():
    text = changed(GOOD, (f"  - {GATE}", "  roc_auc: {min: 0.5}"))
    with pytest.raises(InputError) as caught:
        parse_config(text, path="m")
    assert [str(problem) for problem in caught.value.problems] == [
        "m:12: `gates` must be a list, not a mapping; begin each entry with `- `"
    ]
