"""Credentials in addresses are rejected and never printed."""

import pytest

from mlci.config.loader import parse_config
from mlci.config.url_credentials import hide_credentials, holds_credentials
from mlci.errors import InputError
from tests.config.samples import GOOD, edit

WITH = """
https://user:hunter2@example.org/d.csv
https://hunter2@example.org/d.csv
s3://AKIA123:hunter2/x+y@bucket/d.parquet
s3://hunter2@bucket/d.parquet
mlflow:http://user:hunter2@host:5000
postgresql://me:hunter2@db/x
git+https://x-access-token:hunter2@github.com/o/r.git
https://example.org/d.csv?X-Amz-Algorithm=a&X-Amz-Signature=hunter2&x=1
https://a.blob.core.windows.net/c/d.csv?sv=2020&sig=hunter2
https://example.org/d.csv?access_token=hunter2
https://example.org/d.csv#access_token=hunter2
https://example.org/d.csv?a=b&API_KEY=hunter2
gs://bucket/d.csv?X-Goog-Signature=hunter2
"""
WITHOUT = """
https://example.org:8080/d@2.csv
https://example.org/d.csv?version=3&signed=no
s3://bucket/key@v1
abfss://container@account.dfs.core.windows.net/x
https://$USER:$TOKEN@example.org/x
https://${TOKEN}@example.org/x
mlflow:http://host:5000/token
mail@example.org
https://example.org/x?token=$TOKEN
C://data/x
"""


@pytest.mark.parametrize("address", WITH.split())
def test_holds_credentials__with_credentials(address):
    assert holds_credentials(address)
    assert holds_credentials(f"curl -o d.csv '{address}' && ls")
    hidden = hide_credentials(f"can't open {address}: refused")
    assert "hunter2" not in hidden
    assert hidden.startswith("can't open ")
    assert "***" in hidden


@pytest.mark.parametrize(
    "word",
    [
        "s3://x y1z://u?token=a&sig=1:@//u:p@h/x?token=b&sig:p@h",  # what is left around a secret is a password
        "s3://" + "a:b@c://" * 9 + "?token=1@",
        "x://" + "?sig=a://b:c@?sig=" * 9,
    ],
)
def test_hide_credentials__nothing_is_left(word):
    assert holds_credentials(word)
    assert not holds_credentials(hide_credentials(word))


@pytest.mark.parametrize("address", WITHOUT.split())
def test_holds_credentials__without_credentials(address):
    assert not holds_credentials(address)
    assert hide_credentials(address) == address


@pytest.mark.parametrize("address", WITH.split())
def test_parse__credentials_are_not_printed(address):
    for text in (
        edit(GOOD, ("data: holdout.csv", f"data: '{address}'")),
        edit(GOOD, ("baseline: {file: old.csv}", f"train:\n  run: |\n    curl '{address}'\nbaseline: none")),
        GOOD + f"# {address}\n",
        GOOD + f"broken: [{address}",
    ):
        with pytest.raises(InputError) as caught:
            parse_config(text, path="m")
        assert "hunter2" not in str(caught.value)
        assert "an address contains credentials; credentials belong in the environment" in str(caught.value)
        number = next(n for n, line in enumerate(text.splitlines(), 1) if "hunter2" in line)
        assert caught.value.problems[0].line == number
