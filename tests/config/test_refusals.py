"""Invalid configurations, and the literal message of each."""

import pytest

from mlci.config.loader import parse_config
from mlci.errors import InputError
from tests.config.refusals import CASES, GATE, WHOLE
from tests.config.samples import GOOD, edit


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_parse_config__one_mistake_one_line(case):
    *changes, expected = case
    with pytest.raises(InputError) as caught:
        parse_config(edit(GOOD, *changes), path="mlci.yml")
    assert str(caught.value) == f"mlci.yml:{expected}"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("data", "expected"), WHOLE.values(), ids=WHOLE)
def test_parse_config__invalid_file(data, expected):
    with pytest.raises(InputError) as caught:
        parse_config(data, path="mlci.yml")
    assert str(caught.value) == f"mlci.yml:{expected}"


def test_parse_config__alias_bomb():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(InputError, match="aliases are not read here"):
        parse_config("\n".join(lines), path="mlci.yml")


def test_parse_config__gates_by_name_are_one_problem():
    text = edit(GOOD, (f"  - {GATE}", "  roc_auc: {min: 0.5}"))
    with pytest.raises(InputError) as caught:
        parse_config(text, path="m")
    assert [str(problem) for problem in caught.value.problems] == [
        "m:12: `gates` must be a list, not a mapping; begin each entry with `- `"
    ]
