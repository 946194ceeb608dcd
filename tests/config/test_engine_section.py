"""Section ``engine``: what Spark needs of the other sections, and the engine that a run gets."""

import pytest

from mlci.cli.wiring import load_configuration, run_context
from mlci.engine.duckdb_engine import DuckDBEngine
from mlci.engine.spark.spark_engine import SparkEngine
from mlci.errors import InputError

CONFIG = """model: m
task: binary
engine: {spark: {master: "local[2]", conf: {spark.ui.enabled: false, spark.task.cpus: 1}}}
evaluation: {data: "table://main.rows", key: id, label: y}
predict: {file: "table://main.new", score: p}
baseline: {file: "table://main.old"}
gates:
  - {metric: roc_auc, max_drop: 0.01}
"""


def refused(folder, text):
    (folder / "mlci.yml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_configuration(folder / "mlci.yml")
    return str(caught.value)


def test_engine__spark_of_the_configuration(tmp_path):
    (tmp_path / "mlci.yml").write_text(CONFIG)
    with run_context(load_configuration(tmp_path / "mlci.yml"), own_process=False) as context:
        assert isinstance(context.engine, SparkEngine)
        assert context.rows is None
        assert context.engine.settings.master == "local[2]"
        assert dict(context.engine.settings.conf) == {"spark.ui.enabled": "false", "spark.task.cpus": "1"}
        assert context.data == "table://main.rows"


def test_engine__embedded_without_the_section(tmp_path):
    (tmp_path / "mlci.yml").write_text(
        "".join(line for line in CONFIG.splitlines(keepends=True) if "spark" not in line)
    )
    with run_context(load_configuration(tmp_path / "mlci.yml"), own_process=False) as context:
        assert isinstance(context.engine, DuckDBEngine)
        assert context.rows is not None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            'predict: {file: "table://main.new", score: p}',
            "predict: {run: python p.py, score: p}",
            "5: `engine: spark` reads",
        ),
        ('baseline: {file: "table://main.old"}', "baseline: production", "6: `engine: spark` compares"),
        ('baseline: {file: "table://main.old"}', "baseline: {ref: main}", "6: `engine: spark` compares"),
        ("gates:", "tests: {run: pytest}\ngates:", "7: `tests` get both models' predictions as files of this machine"),
        ('master: "local[2]"', "master: cluster", "3: `engine.spark.master`"),
        ("spark: {", "dask: {", "3: unknown key `dask` in `engine`; known keys: spark"),
    ],
)
def test_load__engine_beside_other_sections(tmp_path, before, after, said):
    assert said in refused(tmp_path, CONFIG.replace(before, after))
