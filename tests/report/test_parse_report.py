"""Reading report.json: round trip, limits of size, and messages for damaged files."""

import json
import resource
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.report.serialization import MOST, MOST_BYTES, dump_report, parse_report
from mlci.util.json_text import Bounds, excess
from tests.support.report_cases import GOLDEN, mixed
from tests.support.reports import a_report, failed, inconclusive, measured


def changed(**keys):
    return json.dumps({**json.loads(dump_report(mixed())), **keys})


@pytest.mark.parametrize("name", GOLDEN)
def test_parse_report__round_trip(name):
    report = GOLDEN[name]()
    text = dump_report(report)
    assert parse_report(text) == report
    assert dump_report(parse_report(text.encode())) == text
    assert text.endswith("}\n")


@pytest.mark.parametrize("start", ["insufficient group", "too few"])
def test_parse_report__older_reason_of_too_few_rows(start):
    older = json.loads(dump_report(a_report(gates=[inconclusive("recall", max_drop=0.1)])))
    older["gates"][0]["reason"] = f"{start}: it has 12 rows; 30 are needed"
    for key in ("why", "rule"):
        del older["gates"][0][key]
    row = parse_report(json.dumps(older)).gates[0]
    assert (row.why, row.reason) == ("too_few", "too few rows: it has 12 rows; 30 are needed")


def test_dump_report__order_of_keys_and_floats():
    text = dump_report(mixed())
    assert list(json.loads(text))[:4] == ["schema", "model", "task", "verdict"]
    assert '"change": -0.031' in text
    assert '"group": "18–25"' in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON: Expecting value, column 1"),
        ('{"schema": ', "it is not JSON: Expecting value, column 12"),
        ("[" * 100_000, "it is nested more than 20 deep, which no report is"),
        ('{"a":' * 50 + "1" + "}" * 50, "it is nested more than 20 deep, which no report is"),
        ('{"a": NaN}', "it holds NaN; what is undefined is null, with a reason beside it"),
        ('{"a": -Infinity}', "it holds -Infinity; what is undefined is null, with a reason beside it"),
        ('{"a": 1, "\\u001b[2J": 2, "\\u001b[2J": 3}', "the key '␛[2J' occurs twice in one object"),
        (b"\xff\xfe", "it is not UTF-8: byte 0 can't be read"),
        ("1" * 5_000, "Exceeds the limit"),
    ],
)
def test_parse_report__not_a_report(text, problem):
    with pytest.raises(InputError) as caught:
        parse_report(text, path="out/report.json")
    assert problem in caught.value.problems[0].message
    assert caught.value.problems[0].path == "out/report.json"
    assert "\n" not in str(caught.value)


def within_bounds():
    """Seconds of processor and bytes of memory that reading a report may take at most, whatever it holds."""
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


HOSTILE = {
    """b'"' + b'\\\\"' * 2_000_000""": "it is not JSON: Unterminated string",
    """b'"' + b'a' * 30_000_000 + b'"'""": "the document: Input should be an object",
    """b'{' + b''.join(b'"%d":0,' % i for i in range(300_000)) + b'"299999":0}'""": "occurs twice in one object",
    "b'[],' * 20_000_000": "it is made of 20,000,000 lists and objects where 1,500,000 are the most",
    """b'{' + b''.join(b'"%d":0,' % i for i in range(300_000)) + b'"x":0}'""": "has 300,001 keys",
    """b'{"gates":[' + b'{},' * 300_000 + b'{}]}'""": "gates.0.id: Field required",
    """b'{"trend":[{"points":[' + b'{},' * 100_000 + b'{}]}]}'""": "trend.0.points.0",
}
READER = """
import sys
from mlci.errors import InputError
from mlci.report.serialization import parse_report
for content in sys.argv[1:]:
    try:
        parse_report(eval(content))
    except InputError as error:
        print(str(error)[:2000].replace("\\n", " "), flush=True)
"""


def test_parse_report__bounded_cost():
    """One process reads all of them within the bounds of one."""
    done = subprocess.run(
        [sys.executable, "-c", READER, *HOSTILE],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=within_bounds,
    )
    problems = done.stdout.splitlines()
    assert len(problems) == len(HOSTILE), (done.returncode, problems, done.stderr[-500:])
    for expected, problem in zip(HOSTILE.values(), problems, strict=True):
        assert expected in problem


def test_parse_report__one_hundred_thousand_gates():
    facts = {"was": 0.6, "now": 0.5, "low": -0.2, "high": -0.05, "max_drop": 0.01}
    gates = [failed("recall", region=f"r{i:05}", line=i + 1, **facts) for i in range(500)]
    metrics = [measured("recall", was=0.612345678912, now=0.512345678912) for _ in range(500)]
    text = dump_report(a_report(gates=gates, metrics=metrics))
    assert len(text.encode()) * 200 < MOST_BYTES
    assert excess(text, Bounds(depth=20, parts=MOST.parts // 200, values=MOST.values // 200)) is None


def test_parse_report__size_limit():
    with pytest.raises(InputError, match="268,435,457 bytes; a report may have 268,435,456"):
        parse_report(b" " * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"schema": "mlci/report/2"}, "schema: Input should be 'mlci/report/1'"),
        ({"verdict": "PASS"}, "verdict: Input should be"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"model": 7}, "model: Input should be a valid string"),
        ({"notes": "text"}, "notes: Input should be a valid array"),
    ],
)
def test_parse_report__unexpected_form(keys, problem):
    with pytest.raises(InputError) as caught:
        parse_report(changed(**keys))
    assert any(item.message.startswith(problem) for item in caught.value.problems)


def test_parse_report__numbers_of_another_type():
    document = json.loads(dump_report(mixed()))
    document["gates"][0] |= {"value": "0.878", "line": 1.5, "blocks": 0, "interval": [1e999, 0.1]}
    with pytest.raises(InputError) as caught:
        parse_report(json.dumps(document).replace("Infinity", "1e999"))
    assert len(caught.value.problems) == 4


def test_parse_report__up_to_twenty_problems():
    document = json.loads(dump_report(mixed()))
    document |= {f"key{i}": i for i in range(500)}
    with pytest.raises(InputError) as caught:
        parse_report(json.dumps(document))
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1].message == "and 480 more problems"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(verdict="pass"), "the verdict is pass, but a gate blocks"),
        (lambda d: d.update(gates=[]) or d.update(verdict="pass"), "the verdict is pass, but a gate blocks"),
        (
            lambda d: d.update(gates=[], verdict="pass", unchanged_since="8d01e77"),  # and yet it has metrics
            "the verdict is pass, but a gate blocks",
        ),
        (
            lambda d: d["gates"][1].update(blocks=False) or d.update(verdict="warn"),
            "gates.1: failed, but it does not block",
        ),
        (lambda d: d["gates"][0].update(blocks=True), "gates.0: passed, but it blocks"),
        (lambda d: d["gates"][0].update(outcome="waived"), "gates.0: a waiver and the outcome waived belong together"),
        (
            lambda d: d["gates"][0].update(interval=[0.9, 0.1]),
            "gates.0.interval: the interval's low end is above its high end",
        ),
        (lambda d: d["gates"].pop(1) and d.update(verdict="pass"), "the verdict is pass, but not every gate passed"),
    ],
)
def test_parse_report__contradictions(change, problem):
    document = json.loads(dump_report(mixed()))
    change(document)
    with pytest.raises(InputError) as caught:
        parse_report(json.dumps(document))
    assert problem in [item.message for item in caught.value.problems]


@given(st.binary(max_size=200) | st.text(max_size=200))
@settings(deadline=None)
def test_parse_report__any_text(text):
    with pytest.raises(InputError):
        parse_report(text)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_parse_report__truncated_or_changed(data):
    text = dump_report(GOLDEN["all-passed"]())
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.sampled_from(["", '"', "{", "]", "0", "\x00", "é"]))
    with suppress(InputError):
        parse_report(text[:at] + put + text[at + 1 :])
