"""Exit codes, messages, annotations, output files and help of every command."""

import json
from pathlib import Path

import click
import jsonschema_rs
import pytest

from mlci.cli.main import group
from mlci.metrics.entries import ENTRIES
from mlci.report import document
from tests.support.project import files, mlci, predictions, repository, run, small_files, write
from tests.support.repository import commit, git, init

SCHEMA = json.loads(Path(document.__file__).with_name("schema.json").read_text())


class TestExitCodes:
    def test_run__exit_codes_of_pass_and_block(self, tmp_path):
        contents = small_files()
        assert mlci("run", cwd=write(tmp_path / "a", contents)).code == 1
        better = {**contents, "new.csv": predictions(0)}
        ended = mlci("run", cwd=write(tmp_path / "b", better))
        assert ended.code == 0
        assert "\n✓ planted: " in ended.out

    def test_run__warnings_block_under_a_policy(self, tmp_path):
        contents = small_files(baseline="none")
        ended = run(write(tmp_path / "a", contents))
        assert (ended.code, ended.report["verdict"]) == (0, "warn")
        strict = small_files(baseline="none", more="policy: {no_baseline: block}\n")
        ended = run(write(tmp_path / "b", strict))
        assert (ended.code, ended.report["verdict"]) == (1, "block")
        one = small_files(baseline="none").copy()
        one["mlci.yml"] = one["mlci.yml"].replace("0.05}", "0.05, policy: {no_baseline: block}}")
        assert run(write(tmp_path / "c", one)).code == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["run", "--config", "absent.yml"],
            ["run", "--config", "."],
            ["run", "--nonsense"],
            ["nonsense"],
            ["gate"],
            ["report", "absent.json"],
            ["report"],
            ["metrics", "rocauc"],
        ],
    )
    def test_commands__configuration_and_input_errors(self, tmp_path, arguments):
        write(tmp_path, small_files())
        ended = mlci(*arguments, cwd=tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err
        assert "Traceback" not in ended.err

    def test_run__output_of_a_metric_stays_out_of_the_document(self, tmp_path):
        given = small_files()
        given["mlci.yml"] += "  - {metric: 'talkative:total', max: 1}\n"
        code = "print('imported')\ndef total(labels, predictions):\n    print('called')\n    return 1.0\n"
        ended = run(write(tmp_path, {**given, "talkative.py": code}))
        assert ended.report["gates"][-1]["outcome"] == "passed"
        assert "imported" in ended.err
        assert "called" in ended.err

    def test_run__metric_module_exits(self, tmp_path):
        given = small_files()
        given["mlci.yml"] += "  - {metric: 'cost:total', max: 1}\n"
        ended = mlci("run", cwd=write(tmp_path, {**given, "cost.py": "raise SystemExit(0)\ndef total(): ..."}))
        assert (ended.code, ended.out) == (2, "")
        assert "metric 'cost:total' can't be imported" in ended.err
        assert "SystemExit: 0" in ended.err

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("unheard.of:total", "no file `unheard/of.py` in the folder of this file"),
            ("here:total", "`here:total` does not exist: `here.py` has loss, math"),
            ("broken:total", "`broken:total` can't be read: broken.py: "),
            ("no_such_score", "unknown metric `no_such_score`"),
        ],
    )
    @pytest.mark.parametrize("command", ["run", "train"])
    def test_run__metric_not_found_before_training(self, tmp_path, command, name, words):
        given = files(1, baseline="none")
        given["mlci.yml"] = (
            given["mlci.yml"].replace("max_drop: 0.05", "min: 0.05") + f"  - {{metric: '{name}', max: 1}}\n"
        )
        code = "import math\nif math:\n    def loss(): ...\n"
        ended = mlci(command, cwd=write(tmp_path, {**given, "here.py": code, "broken.py": "def total(:"}))
        assert (ended.code, ended.out) == (2, "")
        assert f"mlci.yml:{given['mlci.yml'].count(chr(10))}: " in ended.err
        assert words in ended.err
        assert not (tmp_path / "trained.log").exists()

    def test_run__metric_on_the_module_path(self, tmp_path):
        given = small_files()
        names = {"pack:total": "pack/__init__.py", "pack.inner:total": "pack/inner.py", "try_it:total": "try_it.py"}
        code = {"try_it.py": "try:\n    import nothing\nexcept ImportError:\n    total = lambda labels, decided: 0.5\n"}
        plain = "from statistics import *\ndef total(labels, decided):\n    return 0.5\n"
        given["mlci.yml"] += "".join(f"  - {{metric: '{name}', max: 1}}\n" for name in [*names, "numpy:mean"])
        written = {file: code.get(file, plain) for file in names.values()}
        ended = run(write(tmp_path, {**given, **written}))
        assert [gate["value"] for gate in ended.report["gates"][-4:-1]] == [0.5] * 3, ended.err

    def test_run__no_git(self, tmp_path):
        ended = run(write(tmp_path, files(1)))
        assert (ended.code, ended.out) == (2, "")
        assert "git checkout" in ended.err

    def test_run__reference_not_found(self, tmp_path):
        init(tmp_path)
        commit(tmp_path, files(1, baseline="{ref: mian}"))
        ended = run(tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert "did you mean `main`?" in ended.err

    def test_run__failure_removes_an_earlier_report(self, tmp_path):
        out = tmp_path / ".mlci/out"
        mlci("run", cwd=write(tmp_path, small_files()))
        assert (out / "report.json").exists()
        (tmp_path / "mlci.yml").write_text("nonsense")
        assert mlci("run", cwd=tmp_path).code == 2
        assert list(out.iterdir()) == []


class TestPlaces:
    def test_run__report_matches_the_schema_and_the_output(self, tmp_path):
        ended = run(write(tmp_path, small_files()))
        jsonschema_rs.validate(SCHEMA, ended.report)
        assert (tmp_path / ".mlci/out/report.json").read_text() == ended.out
        left = {path.name for path in (tmp_path / ".mlci/out").iterdir()}
        assert left == {"report.json", "report.html", "comment.md", "summary.md", "junit.xml"}

    def test_run__out_with_spaces_unicode_and_missing_parents(self, tmp_path):
        folder = tmp_path / "мой проект ☂ 'quoted'"
        repository(folder, files(1), files(3))
        ended = run(folder, "--out", "a/b c/d")
        assert ended.code == 1, ended.err
        assert (folder / "a/b c/d/report.json").exists()

    def test_run__configuration_in_a_folder_below(self, tmp_path):
        below = {f"models/churn/{name}": text for name, text in files(1).items()}
        changed = {**below, "models/churn/k.txt": "3"}
        repository(tmp_path, below, changed)
        one = run(tmp_path, "--config", "models/churn/mlci.yml")
        two = run(tmp_path / "models/churn")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        three = run(elsewhere, "--config", tmp_path / "models/churn/mlci.yml")
        rows = [ended.report["metrics"][0] for ended in (one, two, three)]
        assert [(row["baseline"], row["candidate"]) for row in rows] == [(0.9, 0.7)] * 3
        assert one.report["provenance"]["config_path"] == "models/churn/mlci.yml"
        assert (elsewhere / ".mlci/out/report.json").exists()

    def test_run__configuration_not_on_main_yet(self, tmp_path):
        """Main trains already, and this change adds mlci.yml."""
        before = {name: text for name, text in files(1).items() if name != "mlci.yml"}
        init(tmp_path)
        commit(tmp_path, before)
        git(tmp_path, "checkout", "--quiet", "-b", "change")
        commit(tmp_path, {"mlci.yml": files(1)["mlci.yml"], "k.txt": "3"})
        for _ in range(2):  # trained, then from the cache
            report = run(tmp_path).report
            assert (report["metrics"][0]["baseline"], report["metrics"][0]["candidate"]) == (0.9, 0.7)
            assert any("its commit has no mlci.yml" in note for note in report["notes"])

    @pytest.mark.parametrize("out", ["file", "file/below", "/proc/nowhere"])
    def test_run__out_not_writable_before_training(self, tmp_path, out):
        write(tmp_path, {**files(1, baseline="none", more="  - {metric: accuracy, min: 0.1}\n"), "file": ""})
        ended = run(tmp_path, "--out", out)
        assert (ended.code, ended.out) == (2, "")
        assert "file" in ended.err or "nowhere" in ended.err
        assert not (tmp_path / "trained.log").exists()


class TestAnnotations:
    def test_annotations__file_and_line_of_every_error(self, tmp_path):
        text = small_files()["mlci.yml"].replace("key: id", "key: id\n  lable: y").replace("accuracy", "accurcy")
        write(tmp_path, {**small_files(), "mlci.yml": text})
        ended = mlci("run", cwd=tmp_path, GITHUB_ACTIONS="true")
        assert ended.code == 2
        lines = ended.err.splitlines()
        assert all(line.startswith("::error file=mlci.yml,line=") for line in lines)
        assert "line=6::unknown key `lable` in `evaluation`; did you mean `label`?" in lines[0]

    @pytest.mark.parametrize(
        "key",
        [
            "a\\n::error::planted",
            "a\\r\\n::add-mask::x",
            "%0A::error::planted",
            "\\e[31mred",
            "##[add-mask]x",
            "a,line=3::b",
            "\\u202egnp",
        ],
    )
    @pytest.mark.parametrize("actions", ["true", ""])
    def test_annotations__hostile_configuration(self, tmp_path, key, actions):
        write(tmp_path, {"mlci.yml": f'"{key}": 1\n'})
        ended = mlci("run", cwd=tmp_path, GITHUB_ACTIONS=actions)
        assert ended.code == 2
        for line in ended.err.splitlines():
            assert line.startswith("::error file=mlci.yml,line=" if actions else "error: mlci.yml:")
            assert not any(mark in line for mark in ("\x1b[31m", "\r", "\u202e"))
            assert not line.lstrip().startswith("::add-mask")

    def test_run__hostile_tables(self, tmp_path):
        contents = small_files(more="")
        text = contents["mlci.yml"].replace("positive: 1\n", "positive: 1\n  slices: [g]\n")
        groups = ["::error::planted", "##[add-mask]x", "a\x1b[31mb", "\u202egnp", "x\ny"]
        lines = (f'{i},{i // 10 % 2},"{groups[i % 5]}"' for i in range(100))
        write(tmp_path, {**contents, "mlci.yml": text, "holdout.csv": "id,y,g\n" + "\n".join(lines) + "\n"})
        ended = mlci("run", cwd=tmp_path, GITHUB_ACTIONS="true")
        assert ended.code == 1, ended.err
        for line in ended.out.splitlines():
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "\x1b" not in line
            assert "\u202e" not in line

    def test_annotations__failed_step_outside_of_its_group(self, tmp_path):
        write(
            tmp_path, {**files(1, baseline="none"), "train.py": "print('::set-output name=a::b')\nraise SystemExit(9)"}
        )
        ended = mlci("run", cwd=tmp_path, GITHUB_ACTIONS="true")
        assert ended.code == 3
        lines = ended.err.splitlines()
        assert lines[0].startswith("::group::train")
        assert "::endgroup::" in lines
        assert lines[-1].startswith("::error::train failed")
        assert "%0A" in lines[-1]
        assert not any(line.lstrip().startswith("::set-output") for line in lines)


class TestMetrics:
    def test_metrics__catalogue(self, tmp_path):
        ended = mlci("metrics", cwd=tmp_path)
        assert ended.code == 0
        assert all(entry.name in ended.out for entry in ENTRIES)
        regression = mlci("metrics", "--task", "regression", cwd=tmp_path).out
        assert "mean_absolute_error" in regression
        assert "roc_auc" not in regression

    def test_metrics__json(self, tmp_path):
        found = json.loads(mlci("metrics", "--json", cwd=tmp_path).out)
        assert [item["name"] for item in found] == [entry.name for entry in ENTRIES]
        (one,) = json.loads(mlci("metrics", "roc_auc", "--json", cwd=tmp_path).out)
        assert (one["direction"], one["tasks"]) == ("higher", ["binary"])

    @pytest.mark.parametrize("name", ["roc_auc", "f1_score", "equalized_odds_difference", "f1[drugX]", "recall_ratio"])
    def test_metrics__one(self, tmp_path, name):
        ended = mlci("metrics", name, cwd=tmp_path)
        assert ended.code == 0, ended.err
        assert name in ended.out
        assert "source" in ended.out

    def test_metrics__misspelt_name(self, tmp_path):
        ended = mlci("metrics", "equalised_odds_difference", cwd=tmp_path)
        assert ended.code == 2
        assert "did you mean equalized_odds_difference?" in ended.err


@pytest.mark.parametrize("command", [None, *group.list_commands(click.Context(group))])
def test_help__has_an_example_and_fits(tmp_path, command):
    ended = mlci(*([command] if command else []), "--help", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "Example" in ended.out
    assert "mlci " + (command or "run") in ended.out.split("Example")[1]
    assert max(map(len, ended.out.splitlines())) <= 100
    again = mlci(*([command] if command else []), "-h", cwd=tmp_path)
    assert again.out == ended.out


def test_mlci__version_and_no_command(tmp_path):
    assert mlci("--version", cwd=tmp_path).out.startswith("mlci, version ")
    ended = mlci(cwd=tmp_path)
    assert ended.code == 2
    assert "run" in ended.out + ended.err
