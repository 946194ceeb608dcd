"""Metrics and labels: predictions, labels and metrics files that are not what they should be.

An honest run of these files blocks, because the candidate is worse than the baseline.
"""

import gzip
import json
from functools import partial

import duckdb
import numpy as np

from mlci.engine import sql
from mlci.engine.tables.csv_json import read_header, stage_json
from mlci.engine.tables.files import LocalFile, inflate
from mlci.execution import metric_stage
from mlci.execution.metric_stage import ANSWER, VALUES
from mlci.metrics.row_metrics import RowMetric
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.project import PYTHON, TOTALS, predictions, small_files

WORSE = predictions(3)
FIRST, *REST = WORSE.splitlines()
RIGHT = [line for line in REST if int(line.split(",")[0]) % 10 >= 3]


def _run(scene: Scene, *, new: str | bytes = WORSE, swap: tuple[str, str] = ("", ""), **more: str) -> None:
    files = small_files()
    files["mlci.yml"] = files["mlci.yml"].replace(*swap) if swap[0] else files["mlci.yml"]
    for name, content in {**files, "new.csv": new, **more}.items():
        scene.plant(name, content)
    scene.mlci("run")


def _rows(*lines: str) -> partial:
    """The attacker's predictions; most say what the label is."""
    return partial(_run, new="\n".join([FIRST, *lines]) + "\n")


def _scores(cell: str) -> partial:
    """A score in one row that no comparison with a limit can order."""
    rows = [f"{i},{cell if i == 7 else i // 10 % 2}" for i in range(100)]
    return partial(_run, new="\n".join(["id,p", *rows]) + "\n", swap=("decision: p", "score: p"))


def _totals(scene: Scene, *, text: str | bytes, name: str = "metrics.json", more: str = "") -> None:
    config = TOTALS.format(train="", metrics=name, baseline="{file: old.json}") + more
    for file, content in {
        "mlci.yml": config,
        name: text,
        "old.json": '{"test": {"accuracy": 0.9, "recall": 0.8}}',
    }.items():
        scene.plant(file, content)
    scene.mlci("run")


def _step_rewrites_labels(scene: Scene) -> None:
    """The predict step writes the labels that it is judged by."""
    spy = "import os\nopen('holdout.csv', 'w').write('id,x,y\\n' + ''.join(f'{i},0,0\\n' for i in range(100)))\nopen(os.environ['MLCI_PREDICTIONS'], 'w').write('id,p\\n' + ''.join(f'{i},0\\n' for i in range(100)))\n"
    _run(
        scene,
        swap=("{file: new.csv, decision: p}", f'{{run: "{PYTHON} predict.py", decision: p}}'),
        **{"predict.py": spy},
    )


def _file_with_quotes(scene: Scene) -> None:
    """A path that would end its quotes in SQL is a path like any other."""
    name = "x') TO 'y'; COPY (SELECT 1) TO 'ran.csv'; --.csv"
    _run(scene, swap=("new.csv", json.dumps(name)), **{name: WORSE})
    assert scene.code == 1, scene.err


def _column_with_quotes(scene: Scene) -> None:
    """A column's name that would end its quotes in SQL is a name like any other."""
    name = "p\" AS c1 FROM other; COPY (SELECT 1) TO 'ran.csv'; --"
    scene.work.joinpath("new.duckdb").unlink(missing_ok=True)
    with duckdb.connect(scene.work / "new.duckdb") as base:
        quoted = name.replace('"', '""')
        base.execute("CREATE TABLE made AS SELECT i AS id, 1 - (i // 10) % 2 AS p FROM range(100) AS t(i)")
        base.execute(f'ALTER TABLE made RENAME p TO "{quoted}"')
    chosen = (
        f"{{file: new.duckdb, table: made, decision: {json.dumps(name)}}}\nbaseline: {{file: old.csv, decision: p}}"
    )
    _run(scene, swap=("{file: new.csv, decision: p}\nbaseline: {file: old.csv}", chosen))
    assert scene.code == 1, scene.err


def _bomb(scene: Scene) -> None:
    path = scene.plant("new.csv.gz", gzip.compress(bytes(8 << 20)))
    scene.call(inflate, "new.csv.gz", path, scene.temp / "new.csv", limit=1 << 20)


def _wide(scene: Scene, *, header: str = "", row: str = "") -> None:
    """A table with a column for each row of something else."""
    if header:
        scene.call(read_header, LocalFile("new.csv", scene.plant("new.csv", f"{header}\n"), "csv", ".csv"))
        return
    path = scene.plant("new.jsonl", f"{row}\n")
    with scene.paused(), sql.session() as (connection, _):
        scene.call(stage_json, connection, LocalFile("new.jsonl", path, "json", ".jsonl"), scene.temp / "new.parquet")


def _answer(scene: Scene, *, values: bytes, answer: object) -> None:
    """The process of a custom metric is user code, and so is its answer."""
    folder = scene.work / "metrics"
    scene.plant(f"metrics/{ANSWER}", json.dumps(answer))
    scene.plant(f"metrics/{VALUES}", values)
    found = scene.call(metric_stage._read, folder, [RowMetric(name="mine:f", function="mine:f")], ONE_VALUE)
    if found is not None:
        assert np.isfinite(found.values[0][0]).all() or found.reasons, "NaN without a reason"


def _answer_in_a_link(scene: Scene) -> None:
    folder = scene.work / "metrics"
    folder.mkdir()
    (folder / ANSWER).symlink_to(scene.plant(ANSWER, json.dumps(SAID)))
    (folder / VALUES).symlink_to(scene.plant(VALUES, bytes(16)))
    scene.call(metric_stage._read, folder, [RowMetric(name="mine:f", function="mine:f")], ONE_VALUE)


ONE_VALUE = metric_stage.AnswerShape(models=2, scopes=(1,), classes=2, draws=0)
SAID = {"on": ["decision"], "reasons": [], "guessed": [], "random": [], "methods": ["row bootstrap"], "unweighted": []}
GOOD = '"accuracy": 0.99, "recall": 0.99'
ATTACKS = (
    Attack("predictions for the easy rows alone", "one prediction a row", _rows(*RIGHT), "no candidate prediction"),
    Attack("easy rows twice", "one prediction a row", _rows(*RIGHT, *RIGHT[:30]), "twice|key"),
    Attack("predictions for rows that do not exist", "one prediction a row", _rows(*RIGHT, *(f"{900 + i},1" for i in range(30))), "key"),
    Attack("keys with other spellings", "one prediction a row", _rows(*RIGHT, *(f" {i},1" for i in range(30))), "key|blank"),
    Attack("row with one field more", "fields of CSV", _rows(*REST[:-1], "99,1,1"), "3 fields"),
    Attack("row with one field less", "fields of CSV", _rows(*REST[:-1], "99"), "1 field"),
    Attack("column twice", "fields of CSV", partial(_run, new=WORSE.replace("id,p", "id,p,p").replace("\n", ",1\n").replace("id,p,p,1", "id,p,p")), "occur twice"),
    Attack("score that is NaN", "finite scores", _scores("nan"), "NaN"),
    Attack("score that is infinite", "finite scores", _scores("inf"), "infinite"),
    Attack("score that is missing", "finite scores", _scores(""), "null"),
    Attack("score that is text", "finite scores", _scores("high"), "not a number"),
    Attack("score that is a command", "finite scores", _scores("::set-output name=verdict::pass"), "not a number"),
    Attack("decision for no class", "decisions of classes", _rows(*REST[:-1], "99,2"), "none of the classes"),
    Attack("predictions in UTF-16", "text of tables", partial(_run, new=WORSE.encode("utf-16")), "UTF-16"),
    Attack("step that rewrites the labels", "rows left alone", _step_rewrites_labels, "changed the evaluation set"),
    Attack("labels as predictions", "predictions beside labels", partial(_run, swap=("{file: new.csv, decision: p}\nbaseline: {file: old.csv}", "{file: ./holdout.csv, decision: y}\nbaseline: {file: old.csv, decision: p}")), "is the label of the same file"),
    Attack("candidate as its own baseline", "baseline of its own", partial(_run, swap=("{file: old.csv}", "{file: new.csv}")), "itself|same file|candidate"),
    Attack("column that ends its quotes", "quoted names", _column_with_quotes),
    Attack("file that ends its quotes", "quoted texts", _file_with_quotes),
    Attack("table that inflates", "inflated size", _bomb, "larger|more than"),
    Attack("table of 20,000 columns", "columns of tables", partial(_wide, header=",".join(f"c{i}" for i in range(20_000))), "20,000 columns, and 10,000 are the most"),
    Attack("rows of 2,000 keys", "columns of tables", partial(_wide, row=json.dumps({f"c{i}": i for i in range(2_000)})), "2,000 keys, and 1,000 are the most"),
    Attack("metric that is NaN", "metrics that are numbers", partial(_totals, text='{"test": {"accuracy": NaN, "recall": 0.9}}'), "NaN"),
    Attack("metric that is infinite", "metrics that are numbers", partial(_totals, text='{"test": {"accuracy": Infinity, "recall": 0.9}}'), "inf"),
    Attack("metric beyond a double", "metrics that are numbers", partial(_totals, text='{"test": {"accuracy": 1e400, "recall": 0.9}}'), "larger than the largest double"),
    Attack("metric as text", "metrics that are numbers", partial(_totals, text='{"test": {"accuracy": "0.99", "recall": 0.9}}'), "is the text"),
    Attack("metric that is true", "metrics that are numbers", partial(_totals, text='{"test": {"accuracy": true, "recall": 0.9}}'), "is true"),
    Attack("metric that is null", "absent metrics", partial(_totals, text='{"test": {"accuracy": null, "recall": 0.9}}'), "null"),
    Attack("worse metric that is deleted", "absent metrics", partial(_totals, text='{"test": {"recall": 0.9}}'), "was in the baseline|not in the candidate"),
    Attack("metric without a gate that is deleted", "disappeared metrics", partial(_totals, text='{"test": {"accuracy": 0.99}}'), "disappeared"),
    Attack("metric twice", "metrics once", partial(_totals, text=f'{{"test": {{{GOOD}, "accuracy": 0.99}}}}'), "twice"),
    Attack("metric twice by its dotted name", "metrics once", partial(_totals, text=f'{{"test": {{{GOOD}}}, "test.accuracy": 1}}'), "twice"),
    Attack("metrics of many lists", "size of metrics", partial(_totals, text=f'{{"test": {{{GOOD}}}, "x": [' + "[]," * 600_000 + "0]}"), "lists and objects"),
    Attack("metrics of many texts", "size of metrics", partial(_totals, text=json.dumps({"test": {"accuracy": 0.5, "recall": 0.9}, **{f"n{i}": "text" for i in range(9000)}}, indent=0))),
    Attack("metrics of 17 MB", "bytes of metrics", partial(_totals, text=b" " * 17_000_000 + b"{}"), "larger than"),
    Attack("metrics in slow YAML", "bytes of slow formats", partial(_totals, text=f"test: {{accuracy: 0.5, recall: 0.9}}\nx: '{'x' * 300_000}'\n", name="metrics.yaml"), "larger than"),
    Attack("metrics with a tag", "safe YAML", partial(_totals, text="test: !!python/object/apply:os.system [echo x]\n", name="metrics.yaml"), "YAML|tag"),
    Attack("metrics in a deep tree", "depth of metrics", partial(_totals, text='{"a":' * 40 + "1" + "}" * 40), "nested"),
    Attack("values of a custom metric that are missing", "answers of metrics", partial(_answer, values=b"", answer=SAID), "no result"),
    Attack("values of a custom metric that are too many", "answers of metrics", partial(_answer, values=bytes(8 << 20), answer=SAID), "no result"),
    Attack("NaN of a custom metric", "reasons of metrics", partial(_answer, values=np.full(2, np.nan).tobytes(), answer=SAID)),
    Attack("answer of a custom metric in a link", "answers of metrics", _answer_in_a_link, "no result"),
    Attack("command in a custom metric's problem", "sanitized messages", partial(_answer, values=b"", answer={"problems": ["x\n::set-output name=verdict::pass"]}), "set-output"),
)  # fmt: skip
