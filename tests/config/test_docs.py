"""The configuration reference against the code: every key with its default, and valid examples."""

import io
import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from mlci.config.base import fields
from mlci.config.loader import parse_config
from mlci.config.messages import SECTIONS
from mlci.config.read import check_configuration
from mlci.metrics import catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
TITLES = {(): "## Top level", ("evaluation", "slices"): "### `evaluation.slices`: a column"}
BASE = """\
model: m
task: binary
evaluation: {data: d, label: l, slices: [region, sex, [sex, region]]}
predict: {file: p, score: s}
baseline: none
gates: [{metric: recall, min: 0.5}]
"""


def table(home):
    title = TITLES.get(home, f"{'#' * (len(home) + 1)} `{'.'.join(home)}`")
    part = PAGE.split(f"\n{title}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", part, re.MULTILINE)
    return {key: default for key, _, default, _ in rows}


@pytest.mark.parametrize("home", SECTIONS, ids=lambda home: ".".join(home) or "top")
def test_page__every_key_with_its_default(home):
    model = SECTIONS[home]
    written = table(home)
    assert list(written) != []
    assert set(written) == set(fields(model))
    for key, info in fields(model).items():
        if info.is_required():
            assert written[key] == "required", key
        elif isinstance(info.default, bool):
            assert written[key] == f"`{str(info.default).lower()}`", key
        elif isinstance(info.default, str | float | int):
            assert written[key] == f"`{info.default}`", key
        elif info.default == () and info.default is not PydanticUndefined:
            assert written[key] == "`[]`", key


EXAMPLES = re.findall(r"(<!-- complete -->\n)?```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("whole", "text"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_page__examples_are_valid(whole, text):
    if not whole:
        yaml = YAML(typ="safe", pure=True)
        parts = yaml.load(BASE)
        parts.update(yaml.load(text) or {})
        stream = io.StringIO()
        yaml.dump(parts, stream)
        text = stream.getvalue()
    assert check_configuration(parse_config(text, path="docs"), catalogue) == []


def test_page__messages_are_real():
    messages = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]
    assert "unknown key `ky` in `evaluation`; did you mean `key`?" in messages
    assert "`gates[1].max_drop` would limit an improvement: lower is better for `log_loss`; use `max_rise`" in messages
