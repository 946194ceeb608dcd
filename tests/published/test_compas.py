"""COMPAS: the rates, ratios and fairness verdicts of eleven groups that aequitas published, by the command line."""

import csv

import pytest

NAMES = {
    "tpr": "true_positive_rate",
    "tnr": "true_negative_rate",
    "fpr": "false_positive_rate",
    "fnr": "false_negative_rate",
    "fdr": "false_discovery_rate",
    "for": "false_omission_rate",
    "npv": "negative_predictive_value",
    "precision": "precision",
    "pprev": "selection_rate",
    "ppr": "predicted_positive_share",
    "prev": "prevalence",
}
REFERENCES = {"race": "Caucasian", "sex": "Male", "age_cat": "25 - 45"}
# age_cat, race, sex: fair iff every ratio to the reference lies in 0.8 to 1.25
FAIR = {
    "ppr": "FFF",
    "pprev": "FFT",
    "fdr": "TFF",
    "fpr": "FFT",
    "for": "FFF",
    "fnr": "FFT",
    "tpr": "FFT",
    "tnr": "FFT",
    "npv": "TTT",
    "precision": "TFT",
}


@pytest.fixture
def report(shared, mlci):
    slices = "".join(f'    - {{column: {name}, reference: "{group}"}}\n' for name, group in REFERENCES.items())
    gates = "".join(
        f"  - {{metric: {NAMES[short]}_ratio, across: {name}, min: 0.8, judge: estimate}}\n"
        for short in FAIR
        for name in ("age_cat", "race", "sex")
    )
    path = shared("compas/compas_for_aequitas.csv")
    code, found = mlci(
        "model: compas\ntask: binary\nevaluation:\n"
        f"  data: {path}\n  key: entity_id\n  label: label_value\n  min_group_size: 1\n  slices:\n{slices}"
        f"  metrics: [{', '.join([*NAMES.values(), 'accuracy'])}]\n"
        f"predict: {{file: {path}, decision: score}}\nbaseline: none\ngates:\n{gates}"
    )
    assert code == 1
    return found


@pytest.fixture
def published(shared):
    with shared("compas/published-disparities.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_run__every_rate_of_every_group(report, published):
    found = {(row["slice"], row["group"], row["metric"]): row for row in report["metrics"]}
    checked = 0
    for row in published:
        for short, name in NAMES.items():
            result = found[row["attr"], row["val"], name]
            assert result["candidate"] == pytest.approx(float(row[short]), abs=1e-12), (row["val"], name)
            assert result["rows"] == int(row["n"])
            checked += 1
    assert checked == 11 * len(NAMES)


def test_run__every_ratio_to_the_reference_group(report, published):
    spreads = {(row["across"], row["metric"]): row for row in report["disparities"]}
    checked = 0
    for row in published:
        for short in FAIR:
            groups = spreads[row["attr"], f"{NAMES[short]}_ratio"]["groups"]
            result = next(group for group in groups if group["group"] == row["val"])
            assert result["ratio"] == pytest.approx(float(row[f"{short}_disp"]), abs=1e-12), (row["val"], short)
            checked += 1
    assert checked == 11 * len(FAIR)


def test_run__every_fairness_verdict(report):
    outcomes = {(gate["scope"]["across"], gate["metric"]): gate["outcome"] for gate in report["gates"]}
    for short, fair in FAIR.items():
        result = ["FT"[outcomes[name, f"{NAMES[short]}_ratio"] == "passed"] for name in ("age_cat", "race", "sex")]
        assert "".join(result) == fair, short
