"""The JSON Schema of report.json."""

import json
from importlib import resources

import jsonschema_rs
import pytest

from mlci.report import serialization
from mlci.report.serialization import dump_report
from tests.support.report_cases import GOLDEN


def test_schema__committed_file_is_current():
    assert (
        resources.files("mlci.report").joinpath(serialization.SCHEMA_FILE).read_text(encoding="utf-8")
        == serialization.schema_text()
    )


@pytest.mark.parametrize("name", GOLDEN)
def test_schema__accepts_every_report(name):
    checker = jsonschema_rs.Draft202012Validator(json.loads(serialization.schema_text()))
    assert list(checker.iter_errors(json.loads(dump_report(GOLDEN[name]())))) == []


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"extra": 1}, {"gates": None}, {"schema": "mlci/report/0"}])
def test_schema__rejects_what_the_reader_rejects(change):
    checker = jsonschema_rs.Draft202012Validator(json.loads(serialization.schema_text()))
    assert list(checker.iter_errors({**json.loads(dump_report(GOLDEN["mixed"]())), **change}))
