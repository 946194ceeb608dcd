"""The cost benchmark at tiny sizes: it runs, its arithmetic is right, and a slow figure fails it."""

import contextlib
import io
import runpy
import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks.cost import __main__ as command
from benchmarks.cost import data, jobs, measure, page, targets
from benchmarks.cost.catalogue import COLD, Subject
from benchmarks.cost.measure import Groups, Results, Size
from benchmarks.cost.process import SubjectError, Usage, fastest, run
from tests.support.project import mlci

MIB = 2**20


def good() -> Results:
    """A run in which every target holds."""
    cold = {
        "duckdb": Usage(0.5, 0.6, 1),
        "arrow": Usage(1.0, 1.2, 1),
        "counts-one": Usage(1.0, 1.0, 500 * MIB),
        "all-one": Usage(2.0, 1.0, 900 * MIB),
        "join": Usage(4.0, 8.0, 1),
        "counts-joined": Usage(4.0, 4.0, 800 * MIB),
        "all-joined": Usage(5.0, 5.0, 1000 * MIB),
    }
    warm = {
        "duckdb": (0.4, 0.8),
        "arrow": (0.8, 0.8),
        "counts-one": (0.8, 1.6),
        "all-one": (1.6, 3.0),
        "join": (3.0, 6.0),
        "counts-joined": (3.0, 3.0),
        "all-joined": (4.0, 4.0),
    }
    boots = {"scikit-learn": Usage(6000, 6000, 1), "fairlearn": Usage(9e5, 9e5, 1)}
    middle = Size(cold=cold | boots, warm={name: (a / 10, b / 10) for name, (a, b) in warm.items()})
    return Results(
        sizes={targets.MIDDLE: middle, targets.LARGE: Size(cold=cold, warm=warm)},
        groups=Groups(rows=2000, few=(0.4, 0.2), many=(0.7, 0.4)),
        imports=0.1,
        starts={"python": Usage(0.02, 0.02, 1), "help": Usage(0.06, 0.06, 1)},
    )


def judge_targets(results: Results) -> list[targets.Judged]:
    return targets.judge(measure.figures(results), sorted(results.sizes))


class TestTargets:
    def test_figures__ratios_of_the_table(self) -> None:
        figures = measure.figures(good())
        assert figures == pytest.approx(
            {
                "imports": 0.1,
                "groups": 1.5,
                "bootstrap": 6000,  # the best bootstrap over everything in one file, CPU
                "counts": 1.0,  # over the six columns decoded
                "counts_cold": 1.0,
                "everything": 2.0,
                "everything_cold": 2.0,
                "join_counts": 1.0,
                "join_everything": 4 / 3,
                "join_counts_cold": 1.0,
                "join_everything_cold": 1.25,
                "linear": 10,
                "peak": 1000 / 1024,
            }
        )
        assert all(one.holds for one in judge_targets(good()))

    def test_targets__slow_figure(self) -> None:
        results = good()
        results.sizes[targets.LARGE].warm["counts-one"] = (2.01, 2.0)
        assert [one.target.figure for one in judge_targets(results) if not one.holds] == ["counts"]

    def test_targets__figure_with_too_much_memory(self) -> None:
        results = good()
        results.sizes[targets.LARGE].cold["counts-joined"] = Usage(4.0, 4.0, 2.1 * 2**30)
        assert [one.target.figure for one in judge_targets(results) if not one.holds] == ["peak"]

    def test_targets__not_measured(self) -> None:
        results = good()
        for name in ("scikit-learn", "fairlearn"):
            del results.sizes[targets.MIDDLE].cold[name]
        results.sizes[targets.LARGE].warm["all-one"] = (float("nan"), 1.0)
        assert [one.target.figure for one in judge_targets(results) if not one.holds] == [
            "bootstrap",
            "everything",
            "linear",
        ]

    def test_targets__sizes_that_were_run(self) -> None:
        results = good()
        del results.sizes[targets.LARGE]
        assert [one.target.figure for one in judge_targets(results)] == ["bootstrap", "imports"]

    def test_extrapolate__replicates(self) -> None:
        assert targets.extrapolate((1, 12.0), (3, 16.0)) == pytest.approx(10 + 1000 * 2)
        with pytest.raises(ValueError, match="did not cost more"):
            targets.extrapolate((1, 12.0), (3, 11.0))

    def test_main__missed_target_exits_with_1(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        results = good()
        results.imports = 0.31
        monkeypatch.setattr(measure, "everything", lambda *_, **__: results)
        assert command.main([]) == 1
        assert "missed: imports of `mlci --help`: 0.310 s, target ≤ 0.3 s" in capsys.readouterr().out
        results.imports = 0.29
        assert command.main([]) == 0


class TestProcess:
    def test_run__measures_the_process_alone(self, tmp_path: Path) -> None:
        hungry = bytearray(300 * MIB)  # what this process holds must not count
        code = "import time; block = bytearray(60 * 2**20)\nwhile time.process_time() < 0.2: pass"
        usage = run([sys.executable, "-c", code], folder=tmp_path, timeout=60)
        assert 60 * MIB < usage.peak < 150 * MIB
        assert 0.15 <= usage.cpu < 2
        assert usage.wall >= 0.15
        assert len(hungry) == 300 * MIB

    def test_run__failure_is_its_last_line(self, tmp_path: Path) -> None:
        with pytest.raises(SubjectError, match=r"^no rows$"):
            run([sys.executable, "-c", "raise SystemExit('no rows')"], folder=tmp_path, timeout=60)

    def test_run__time_limit(self, tmp_path: Path) -> None:
        with pytest.raises(SubjectError, match="stopped after 0 s"):
            run([sys.executable, "-c", "import time; time.sleep(60)"], folder=tmp_path, timeout=0.3)

    def test_fastest__of_each_time_and_largest_peak(self) -> None:
        taken = [Usage(1, 9, 5), Usage(3, 7, 6), Usage(2, 8, 4)]
        assert fastest(taken) == Usage(1, 7, 6)


class TestData:
    def test_write__three_files_of_the_same_rows(self, tmp_path: Path) -> None:
        data.write(tmp_path, 5000)
        connection = duckdb.connect()
        one, rows, mine, theirs = (
            f"read_parquet('{tmp_path / name}.parquet')" for name in ("one", "rows", "candidate", "baseline")
        )
        joined = (
            f"SELECT s1, s2, s3, y, c.p AS p, b.p AS q FROM {rows} JOIN {mine} AS c USING (key) "  # noqa: S608 - our own files
            f"JOIN {theirs} AS b USING (key)"
        )
        for left, right in ((f"FROM {one}", joined), (joined, f"FROM {one}")):
            assert connection.execute(f"({left}) EXCEPT ALL ({right})").fetchall() == []
        orders = [
            connection.execute(f"SELECT key FROM {each}").fetchnumpy()["key"]  # noqa: S608 - as above
            for each in (rows, mine, theirs)
        ]
        assert len({tuple(order[:50]) for order in orders}) == 3
        counted = "count(DISTINCT s1), count(DISTINCT s2), count(DISTINCT s3)"
        assert connection.execute(f"SELECT {counted} FROM {one}").fetchone() == (9, 9, 9)  # noqa: S608 - as above

    def test_write__reproducible(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            data.write(tmp_path / name, 1000, joined=False)
        tables = [duckdb.sql(f"FROM read_parquet('{tmp_path / name}/one.parquet')").fetchall() for name in ("a", "b")]
        assert tables[0] == tables[1]


def run_here(argv: list[str], *, folder: Path, timeout: float) -> Usage:
    """Run a subject's command line in this process, which spares its imports."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setattr(sys, "argv", argv[1:])
        if argv[1:3] == ["-m", "mlci"]:
            ended = mlci(*argv[3:], cwd=folder)
            assert ended.code == 0, ended.err
        elif argv[1] == "-c":
            exec(argv[2], {})  # noqa: S102 - the benchmark's own line
        else:
            runpy.run_path(argv[1], run_name="__main__")
    return Usage(1, 1, 1, out.getvalue())


class TestRun:
    def test_subjects__of_mlci_and_floors_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(measure, "run", run_here)
        measure.make(tmp_path, 3000)
        found = Size()
        measure.in_turns([Subject(one.name, one.shown, one.argv, times=1) for one in COLD], tmp_path, found, print)
        assert found.missing == {}
        assert set(found.cold) == {one.name for one in COLD}
        warm = measure.stages(tmp_path, ("duckdb", "arrow", "join", *jobs.JOBS), 1)
        assert set(warm) == {"duckdb", "arrow", "join", *jobs.JOBS}

    def test_subjects__in_processes_of_their_own(self, tmp_path: Path) -> None:
        data.write(tmp_path, 3000)
        jobs.write(tmp_path)
        found = Size()
        chosen = [
            Subject(one.name, one.shown, one.argv, times=1) for one in COLD if one.name in {"duckdb", "counts-one"}
        ]
        measure.in_turns(chosen, tmp_path, found, print)
        assert (set(found.cold), found.missing) == ({"duckdb", "counts-one"}, {})
        assert all(one.peak > MIB and one.cpu > 0 for one in found.cold.values())

    def test_subjects__failure_is_named(self, tmp_path: Path) -> None:
        found = Size()
        broken = Subject("arrow", "a peer", lambda _: [sys.executable, "-c", "import no_such_peer"], times=2)
        absent = Subject("duckdb", "another", lambda _: [str(tmp_path / "python"), "-c", "pass"])
        measure.in_turns([broken, absent], tmp_path, found, print)
        assert found.cold == {}
        assert found.missing["arrow"] == "ModuleNotFoundError: No module named 'no_such_peer'"
        assert found.missing["duckdb"]


class TestPage:
    def test_page__keeps_other_sections(self, tmp_path: Path) -> None:
        place = tmp_path / "benchmarks.md"
        place.write_text(f"# Benchmarks\n\nbefore\n\n{page.BEGIN}\nold\n{page.END}\n\nafter\n", encoding="utf-8")
        page.write("new", place)
        assert place.read_text(encoding="utf-8") == (
            f"# Benchmarks\n\nbefore\n\n{page.BEGIN}\n\nnew\n\n{page.END}\n\nafter\n"
        )

    def test_page__figures_targets_and_missing_subjects(self) -> None:
        results = good()
        results.sizes[targets.MIDDLE].missing["evidently"] = "ModuleNotFoundError: No module named 'evidently'"
        results.sizes[targets.LARGE].warm["counts-one"] = (2.4, 2.0)
        text = page.section(results, judge_targets(results))
        assert "| `mlci run`: everything, one file | 2 / 1 / 900 | 2 / 1 / 900 |" in text
        assert "| scikit-learn in a loop, 1,000 replicates | 6,000 / 6,000 / 0 | – |" in text
        assert "1,000,000 rows: not measured: ModuleNotFoundError: No module named 'evidently'" in text
        assert "| counts over the floor, 10,000,000 rows, one file; warm | ≤ 2.5× | 3× | **no** |" in text
        assert "| less than the floor: DuckDB touches every value, keeps none | 6× | 4× | 2× | 4× |" in text
        assert "| peak memory, 10,000,000 rows, one file or joined; cold | ≤ 2 GiB | 0.977 GiB | yes |" in text
