"""The JSON Schema of mlci.yml: current, as strict as the reader if a schema can be, and never stricter."""

import io
import json
from typing import get_args

import pytest
from jsonschema_rs import Draft202012Validator, meta
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mlci.config import schema
from mlci.config.loader import parse_config
from mlci.config.models import RESAMPLING, Config
from mlci.errors import InputError
from mlci.metrics.row_metrics import Resampling
from tests.config.refusals import CASES
from tests.config.samples import DESIGN, GOOD, TOTALS, edit

SCHEMA = json.loads(schema.committed())
VALIDATOR = Draft202012Validator(SCHEMA)

# A schema sees values, not text, and can't compare two of them.
BEYOND_A_SCHEMA = {
    "twice",
    "twice on a line",
    "twice at the top",
    "falling edges",
    "equal edges",
    "escaped control character",
    "surrogate",
    "tag",
    "bare nan",
    "Unicode line break",
    "runner's token",  # names in any case of letters, which JSON Schema's patterns do not have
    "runner's token in small letters",
    "mlci's own variable",
    "complex key",  # JSON has none: see below
}

# Text that no reader of YAML takes never reaches a schema.
NO_YAML = {
    "alias", "at sign", "control character", "deep", "escape", "greater than", "indentation", "lone carriage return",
    "open brace", "open bracket", "open quote", "python tag", "second document", "tab", "tag for a text", "two colons",
}  # fmt: skip


def values(text):
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = True
    return yaml.load(io.StringIO(text))


def test_schema__order_does_not_depend_on_what_was_imported_first():
    assert get_args(RESAMPLING) == get_args(Resampling)


def test_schema__committed_file_is_current():
    assert schema.committed() == schema.render_schema(schema.build_schema()), "run: python -m mlci.config.schema"


def test_schema__valid_json_schema():
    meta.validate(SCHEMA)


@pytest.mark.parametrize("text", [DESIGN, GOOD, TOTALS], ids=["design", "good", "totals"])
def test_schema__accepts_valid_files(text):
    VALIDATOR.validate(values(text))


@pytest.mark.parametrize("name", sorted(NO_YAML))
def test_schema__no_reader_takes_it(name):
    with pytest.raises(YAMLError):
        values(edit(GOOD, *CASES[name][:-1]))


@pytest.mark.parametrize("name", [name for name in CASES if name not in BEYOND_A_SCHEMA | NO_YAML])
def test_schema__rejects_what_the_reader_rejects(name):
    data = values(edit(GOOD, *CASES[name][:-1]))
    # NaN and infinity are numbers to a schema, and no JSON.
    assert not VALIDATOR.is_valid(data) or not _is_json(data)


def _is_json(data):
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        return False
    return True


def test_schema__complex_key_is_not_json():
    with pytest.raises(ValueError, match="key must be str"):
        VALIDATOR.is_valid(values(edit(GOOD, *CASES["complex key"][:-1])))


def test_schema__line_is_not_a_key():
    assert "line" not in SCHEMA["$defs"]["Gate"]["properties"]
    assert "x-internal" not in schema.committed()
    with pytest.raises(InputError, match="unknown key `line`"):
        parse_config(edit(GOOD, ("min: 0.75", "line: 1, min: 0.75")), path="m")


def test_config__line_is_not_dumped():
    config = parse_config(GOOD, path="m").config
    assert config.gates[0].line == 13
    assert "line" not in config.model_dump()["gates"][0]


def test_config__round_trip():
    config = parse_config(DESIGN, path="m").config
    text = config.model_dump_json(exclude_none=True, exclude_unset=True)
    assert parse_config(text, path="m").config.model_dump() == config.model_dump()
    VALIDATOR.validate(json.loads(text))


def test_schema__null_is_rejected():
    text = json.dumps(SCHEMA)
    assert '"null"' not in text
    assert '"default": null' not in text


def test_schema__every_key_is_described():
    for name, part in {"Config": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in part["properties"].items():
            assert value.get("description"), f"{name}.{key}"
    assert set(SCHEMA["properties"]) == set(Config.model_fields)
