"""evaluation.json: a complete round trip, and no crash on a file that was tampered with."""

import copy
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci.errors import InputError
from mlci.inference import serialization
from mlci.inference.disparity.change import DisparityChange
from mlci.inference.disparity.simultaneous import GroupDistance, Simultaneous
from mlci.inference.evaluate import Question, evaluate
from mlci.inference.evidence import Point, Tie, Undefined
from mlci.inference.intervals.error_intervals import Logit, Normal, Sampled
from mlci.inference.intervals.label_sums import Label, Mover, PairedScore
from mlci.inference.intervals.score_intervals import F1, Proportion, Tango
from mlci.inference.result import Agreement, Comparison, Disparity, EvaluationResult, GroupRate
from mlci.metrics.statistics import Scope
from mlci.operations.report_builder import ReportContext, build_report
from mlci.report.document import BaselineRef, Candidate, PolicyRef
from tests.support.comparisons import judge, rule
from tests.support.tables import by_group, paired_rows

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["inf", "-inf", "null", "kind"])
numbers = st.floats(-1e6, 1e6)
shares = st.floats(0.01, 0.99)
sizes = st.floats(1e-6, 10)
counts = st.integers(1, 10**9)
endless = st.sampled_from([float("inf"), float("-inf")]) | numbers
pairs = st.builds(GroupDistance, numbers, sizes)

evidence = st.one_of(
    st.builds(Undefined, text, method=st.sampled_from(["undefined", "too few"])),
    st.builds(Point, numbers, reason=st.none() | text),
    st.builds(Tie, reason=st.none() | text),
    st.builds(Normal, numbers, sizes, counts, text, endless, endless, st.none() | st.floats(1, 500), st.none() | text),
    st.builds(Logit, shares, sizes, counts, text),
    st.builds(Sampled, numbers, numbers, numbers, sizes, counts, st.just(0.95)),
    st.builds(lambda n, k: Proportion(min(n, k), n), counts, st.integers(0, 10**9)),
    st.builds(lambda n, k: F1(min(n, k), n), counts, st.integers(0, 10**9)),
    st.builds(lambda n, b, c: Tango(b, c, n + b + c), counts, st.integers(0, 999), st.integers(0, 999)),
    st.builds(
        lambda value, part, weight: Mover(value, (part, part), (weight, 1.0), 0.1, part.rows),
        shares,
        st.builds(lambda n, k: Proportion(min(n, k), n), st.integers(1, 10**6), st.integers(0, 10**6)),
        shares,
    ),
    st.builds(
        lambda value, n, b, c, worth: PairedScore(value, (Label(n + b + c, b, c, worth, worth, 1.0),), 0.1, n + b + c),
        shares,
        st.integers(1, 10**6),
        st.integers(0, 999),
        st.integers(0, 999),
        shares,
    ),
    st.builds(
        Simultaneous,
        numbers,
        numbers,
        numbers,
        st.lists(pairs, min_size=1, max_size=3).map(tuple),
        counts,
        counts,
        st.just(0.95),
        st.sampled_from(["difference", "ratio"]),
    ),
    st.builds(
        DisparityChange,
        value=shares,
        low=shares,
        high=shares,
        rows=counts,
        confidence=st.just(0.95),
        most=st.sampled_from([1.0, float("inf")]),
        scale=st.sampled_from(["difference", "ratio"]),
        bases=st.just(1),
        reference=st.none() | st.integers(0, 1),
        candidate=st.tuples(shares, shares),
        baseline=st.tuples(shares, shares),
        candidate_variance=st.tuples(sizes, sizes),
        baseline_variance=st.tuples(sizes, sizes),
        covariance=st.just((0.0, 0.0)),
    ),
)
comparisons = st.builds(
    Comparison,
    metric=text,
    scope=st.builds(Scope, st.none() | text, st.none() | text),
    rows=counts,
    support=counts,
    unit=text,
    candidate=evidence,
    baseline=st.none() | evidence,
    change=st.none() | evidence,
    disagreements=st.none() | counts,
)
optional = st.none() | numbers
disparities = st.builds(
    Disparity,
    metric=text,
    across=text,
    reference=st.none() | text,
    groups=st.lists(
        st.builds(
            GroupRate,
            group=text,
            rows=counts,
            baseline=optional,
            candidate=optional,
            ratio=optional,
            difference=optional,
        ),
        max_size=3,
    ).map(tuple),
    small=st.lists(text, max_size=2).map(tuple),
    smallest=counts,
    candidate=evidence,
    baseline=st.none() | evidence,
    change=st.none() | evidence,
)
results = st.builds(
    EvaluationResult,
    task=st.sampled_from(["binary", "multiclass", "regression"]),
    rows=st.none() | counts,
    fingerprint=st.none() | text,
    has_baseline=st.booleans(),
    confidence=st.just(0.95),
    seed=counts,
    comparisons=st.lists(comparisons, max_size=2).map(tuple),
    disparities=st.lists(disparities, max_size=1).map(tuple),
    agreement=st.none()
    | st.builds(
        Agreement,
        both=counts,
        baseline_only=counts,
        candidate_only=counts,
        neither=counts,
        chi2=optional,
        chi2_corrected=optional,
        exact_p=shares,
    ),
    notes=st.lists(text, max_size=2).map(tuple),
    seconds=st.dictionaries(st.sampled_from(["train", "predict", "evaluate"]), numbers),
)


@settings(max_examples=60, deadline=None)
@given(results)
def test_dump_evaluation__round_trip(found):
    written = serialization.dump_evaluation(found)
    assert serialization.parse_evaluation(written, path="evaluation.json") == found
    assert (
        serialization.dump_evaluation(serialization.parse_evaluation(written.encode(), path="evaluation.json"))
        == written
    )


@pytest.fixture(scope="module")
def small():
    """A real evaluation, written."""
    label, before, after = paired_rows(200, seed=3)
    asked = Question(
        task="binary",
        metrics=("accuracy", "f1", "matthews_corrcoef"),
        baseline=True,
        disparities=(("equalized_odds_difference", "g"), ("recall_ratio", "g")),
    )
    groups = by_group(label, before, after, [["n", "s"][i % 2] for i in range(200)])
    return serialization.dump_evaluation(evaluate(groups, asked, fingerprint="sha256:0", notes=()))


RULES = [
    rule(max_drop=0.02, min=0.5),
    rule("f1", each="g", max_drop=0.05),
    rule("equalized_odds_difference", across="g", max=0.2, max_rise=0.1),
    rule("recall_ratio", across="g", min=0.8),
]
FACTS = ReportContext(
    model="m",
    candidate=Candidate(),
    baseline=BaselineRef(source="file"),
    policy=PolicyRef(confidence=0.95, inconclusive="warn", no_baseline="warn"),
    config_digest=None,
    config_path=None,
)
JUNK = [
    *(None, "x", "inf", "-inf", "NaN", -1, 0, 1, 0.5, 1e308, -1e308, 1e-320, 10**400, True, [], {}, [1, 2]),
    *({"kind": "Tie"}, {"kind": "Normal", "value": 0.1, "error": -1, "rows": 3, "method": "t"}, {"kind": "Undefined"}),
]


def places(tree, path=()):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_parse_evaluation__tampered_content(small, seed):
    """The file is refused by name or read as a valid evaluation; it never crashes."""
    generator, tree = random.Random(seed), json.loads(small)
    every, refused = list(places(tree)), 0
    for path in generator.sample(every, 40):
        changed = copy.deepcopy(tree)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        if generator.random() < 0.2 and isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent[path[-1]] = generator.choice(JUNK)
        said = read(json.dumps(changed))
        refused += said is not None
    assert refused > 10


def read(written):
    """Judge a file and make its report; return the refusal if there is one."""
    try:
        found = serialization.parse_evaluation(written, path="evaluation.json")
    except InputError as error:
        return one_line(str(error))
    build_report(found, judge(RULES, *found.comparisons, disparities=found.disparities), FACTS)
    return None


def one_line(said):
    assert said.startswith("evaluation.json: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"schema": "mlci/evaluation/2", "evaluation": {}}',
        '{"schema": "mlci/evaluation/1", "evaluation": {}}',
        '{"schema": "mlci/evaluation/1", "evaluation": {"kind": "Tie"}}',
        '{"schema": "mlci/evaluation/1", "evaluation": {"kind": ["Tie"]}}',
        '{"schema": "mlci/evaluation/1", "schema": "mlci/evaluation/1"}',
        '{"schema": "mlci/evaluation/1", "evaluation": NaN}',
        "[" * 5000,
        b"[]," * 4_000_000,
        b"\xff\xfe",
    ],
)
def test_parse_evaluation__not_an_evaluation(wrong):
    with pytest.raises(InputError, match=r"^evaluation\.json: "):
        serialization.parse_evaluation(wrong, path="evaluation.json")


def test_parse_evaluation__every_truncation(small):
    for end in range(0, len(small) - 2, 997):
        with pytest.raises(InputError):
            serialization.parse_evaluation(small[:end], path="evaluation.json")
