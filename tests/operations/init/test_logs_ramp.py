"""`mlci init` for repositories of evaluation logs: the first verdict, and nothing for `mlci doctor` to correct."""

import shutil

import pytest

from mlci.config.read import load_text
from mlci.metrics import catalogue
from tests.support.project import mlci
from tests.support.repository import commit, git, init
from tests.support.score_logs import FILES, TOOLS, tool_run

MOST_LINES = 12
LM_EVAL = FILES / "lm_eval"
MAKEFILE = """\
evaluate:
\tlm_eval --model dummy --include_path tasks --tasks sums,choice \\
\t    --output_path out
"""


def set_up(folder, files=(), texts=None):
    """Commit files and texts, and run `mlci init` as a new user does."""
    init(folder)
    for source, name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
    commit(folder, {"README.md": "An evaluation.\n", **(texts or {})})
    commit_all(folder)
    ended = mlci("init", "--yes", cwd=folder)
    assert ended.code == 0, ended.err
    return ended


def commit_all(folder):
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "change")


def configuration(folder):
    text = (folder / "mlci.yml").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    assert len(lines) <= MOST_LINES or "task: scores" not in lines
    return load_text(text, catalogue, path="mlci.yml").config


def gates(config):
    return [(gate.metric, gate.each, *(str(limit) for limit in gate.limits)) for gate in config.gates]


@pytest.mark.parametrize("name", [name for name in TOOLS if name not in {"Table", "Promptfoo"}])
def test_init__log_of_a_tool_to_the_first_verdict(name, tmp_path):
    log = tool_run(name)
    log.write(tmp_path / "logs")
    ended = set_up(tmp_path)
    assert "Nothing to correct" in ended.out
    config = configuration(tmp_path)
    assert config.task == "scores"
    assert log.metric in {gate.metric for gate in config.gates}
    commit_all(tmp_path)
    verdict = mlci("run", cwd=tmp_path)
    assert verdict.code == 0, verdict.out + verdict.err
    assert "errored" not in verdict.out


def test_init__inspect_with_its_task(tmp_path):
    example = FILES.parents[2] / "examples/support-assistant"
    files = [(example / "assistant.py", "evals/support.py"), (example / "logs/main.eval", "logs/2026_support.eval")]
    set_up(tmp_path, files)
    config = configuration(tmp_path)
    assert (config.predict.run, config.predict.log) == ("inspect eval evals/support.py", "logs/*.eval")
    assert gates(config) == [("includes", None, "0.15"), ("includes", "metadata.language", "0.4")]


def test_init__inspect_without_a_log(tmp_path):
    text = "from inspect_ai import Task, task\n@task\ndef t():\n    return Task(scorer=[match(), f1()])\n"
    set_up(tmp_path, texts={"evals/qa.py": text})
    config = configuration(tmp_path)
    assert config.predict.run == "inspect eval evals/qa.py"
    assert [gate.metric for gate in config.gates] == ["match", "f1"]


def test_init__lm_eval_by_its_makefile(tmp_path):
    files = [(path, f"out/dummy/{path.name}") for path in LM_EVAL.glob("*_2026*.json*")]
    set_up(tmp_path, files, {"Makefile": MAKEFILE})
    config = configuration(tmp_path)
    assert config.predict.log == "out/**/samples_*.jsonl"
    assert config.predict.run == (
        "lm_eval --model dummy --include_path tasks --tasks sums,choice --output_path out --log_samples"
    )
    assert [item.column if hasattr(item, "column") else item for item in config.evaluation.slices][-1] == "task"


LIGHTEVAL = 'lighteval accelerate "model_name=gpt2" "choice|0,sums|0"'


@pytest.mark.parametrize(
    ("text", "command", "log"),
    [
        (f"evaluate:\n\t{LIGHTEVAL}\n", f"{LIGHTEVAL} --save-details", "results/details/**/details_*.parquet"),
        (
            f"evaluate:\n\tsh -c '{LIGHTEVAL} --save-details \\\n\t  --output-dir out'\n",
            f"{LIGHTEVAL} --save-details --output-dir out",
            "out/details/**/details_*.parquet",
        ),
        ("evaluate:\n\tlighteval eval hf/m gsm8k\n", None, "results/details/m/now/*.parquet"),
    ],
    ids=["usual", "options", "inspect"],
)
def test_init__lighteval_by_its_makefile(text, command, log, tmp_path):
    files = [(path, f"results/details/m/now/{path.name}") for path in (FILES / "lighteval/baseline").iterdir()]
    set_up(tmp_path, files, {"Makefile": text})
    config = configuration(tmp_path)
    assert (config.predict.run, config.predict.log) == (command, log)
    assert {gate.metric for gate in config.gates} == {"acc", "em"}


def test_init__promptfoo_by_its_configuration(tmp_path):
    files = [(FILES / "promptfoo/promptfooconfig.yaml", "promptfooconfig.yaml")]
    set_up(tmp_path, files)
    config = configuration(tmp_path)
    run = "PROMPTFOO_FAILED_TEST_EXIT_CODE=0 npx promptfoo eval --output promptfoo.json"
    assert (config.predict.run, config.predict.log) == (run, "promptfoo.json")
    assert config.evaluation.prompts == "may_differ"
    assert [gate.metric for gate in config.gates] == ["success"]


def test_init__command_with_a_placeholder_is_not_taken(tmp_path):
    tool_run("Inspect").write(tmp_path / "logs")
    set_up(tmp_path, texts={"docs.md": "", "Makefile": "all:\n\tinspect eval $(TASK)\n"})
    assert configuration(tmp_path).predict.run is None


def test_init__older_log_of_the_same_task(tmp_path):
    for name in ("2026-11-01", "2026-11-02"):
        tool_run("Inspect").write(tmp_path / "logs")
        (tmp_path / "logs/log.json").rename(tmp_path / f"logs/{name}.json")
    ended = set_up(tmp_path)
    assert configuration(tmp_path).predict.log == "logs/2026-11-02.json"
    assert "No command that writes the log was found" in " ".join(ended.out.split())


def test_init__training_script_wins_over_a_log(tmp_path):
    tool_run("Inspect").write(tmp_path / "logs")
    script = (
        "import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.model_selection import train_test_split\n"
        "data = pd.read_csv('data.csv')\nX, y = data[['x']], data['y']\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
        "model = LogisticRegression().fit(X_train, y_train)\nprint(model.score(X_test, y_test))\n"
    )
    rows = "".join(f"{i},{i % 2}\n" for i in range(60))
    set_up(tmp_path, texts={"train.py": script, "data.csv": f"x,y\n{rows}"})
    assert configuration(tmp_path).task == "binary"


def test_init__sealed_needs_rows(tmp_path):
    tool_run("Inspect").write(tmp_path / "logs")
    init(tmp_path)
    commit(tmp_path, {"README.md": "An evaluation.\n"})
    ended = mlci("init", "--yes", "--sealed", cwd=tmp_path)
    assert "an evaluation log has the scores of items only" in " ".join(ended.err.split())
