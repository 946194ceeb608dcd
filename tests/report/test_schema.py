import json
from importlib import resources

import jsonschema
import pytest
from cases import GOLDEN

from mlci.report import serialization
from mlci.report.serialization import dump_report


def test_the_committed_schema_is_the_documents():
    assert (
        resources.files("mlci.report").joinpath(serialization.SCHEMA_FILE).read_text(encoding="utf-8")
        == serialization.schema_text()
    )


@pytest.mark.parametrize("name", GOLDEN)
def test_every_report_keeps_the_schema(name):
    checker = jsonschema.Draft202012Validator(json.loads(serialization.schema_text()))
    assert list(checker.iter_errors(json.loads(dump_report(GOLDEN[name]())))) == []


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"extra": 1}, {"gates": None}, {"schema": "mlci/report/0"}])
def test_the_schema_refuses_what_the_reader_refuses(change):
    checker = jsonschema.Draft202012Validator(json.loads(serialization.schema_text()))
    assert list(checker.iter_errors({**json.loads(dump_report(GOLDEN["mixed"]())), **change}))
