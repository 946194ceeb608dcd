"""A month of scheduled runs of `mlci monitor --publish` with the registry in a bucket, and an outage in the middle."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mlci.github import retry
from tests.fake_github.fake import Fake
from tests.support.production import CONFIG, FIRST, Week, make_rows, promote_scored, write_csv
from tests.support.project import mlci
from tests.support.registry.network import appends
from tests.support.registry.proxy import Fault, Proxy

DAYS = range(1, 31)
DECAYED = {9, 10, 11, 12, 13, 14, 15, 16, 17, 25}
GITHUB_DOWN, BUCKET_DOWN, ANSWER_LOST = set(range(10, 17)), {13, 14, 22}, 20
ROWS = 300
REFUSED = Fault("status", says=b"403 Forbidden")


@pytest.fixture
def proxy(s3):
    found = Proxy(s3.port)
    yield found
    found.close()


def days_until(last):
    """Return the rows of the first days, with their times."""
    for day in range(1, last + 1):
        week = Week(rows=ROWS, wrong=0.4 if day in DECAYED else 0.1)
        for place, row in enumerate(make_rows(1_000 * day, week, seed=day)):
            at = FIRST + timedelta(days=day - 1, minutes=4 * place)
            yield row | {"at": at.isoformat(sep=" ")}


def test_month__outage_of_github_and_bucket(tmp_path, s3, proxy, monkeypatch):
    monkeypatch.setattr(retry, "POLICY", replace(retry.POLICY, sleep=lambda _: None))
    config = CONFIG.replace("window: week", "window: day\n  keep: 40") + f"registry: {s3.url}\n"
    promote_scored(tmp_path, config, **s3.environment)
    codes, states = {}, {}
    with Fake(tmp_path / "model.git") as fake:
        names = {"GITHUB_REPOSITORY": fake.name, "GITHUB_API_URL": fake.url, "GITHUB_SERVER_URL": fake.url}
        names |= s3.behind(proxy.port).environment | {
            "MLCI_TOKEN": fake.token({"issues": "write", "contents": "write"})
        }
        for day in DAYS:
            rows = list(days_until(day))
            write_csv(tmp_path / "log.csv", rows, ["id", "x", "region", "score", "p", "at"])
            write_csv(tmp_path / "labels.csv", rows, ["id", "y"])
            proxy.faults = [REFUSED] if day in BUCKET_DOWN else []
            proxy.faults += [Fault("lose", when=appends, times=1)] if day == ANSWER_LOST else []
            fault = fake.fail(path="/issues*", kind="status", status=502, times=0) if day in GITHUB_DOWN else None
            now = (FIRST + timedelta(days=day, hours=5)).isoformat()
            codes[day] = mlci("monitor", "--publish", "--now", now, cwd=tmp_path, **names).code
            if fault is not None:
                fake.faults.ordered.remove(fault)
            issues = fake.issues()
            assert len(issues) <= 1
            states[day] = issues[0]["state"] if issues else None
    assert {day for day, code in codes.items() if code == 4} == GITHUB_DOWN | BUCKET_DOWN
    assert {day for day, code in codes.items() if code == 1} == {9, 17, 18, 25, 26}
    assert {code for day, code in codes.items() if day < 9 or day > 26} == {0}
    assert [states[day] for day in (8, 9, 17, 18, 19, 24, 25, 26, 27)] == [
        None, "open", "open", "open", "closed", "closed", "open", "open", "closed"
    ]  # fmt: skip
    shown = mlci("monitor", "--json", "--now", now, cwd=tmp_path, **s3.environment)
    document = json.loads(shown.out)
    assert [window["start"] for window in document["timeline"]] == [
        f"{FIRST + timedelta(days=day - 1):%Y-%m-%dT%H:%M}" for day in DAYS
    ]
    assert mlci("ledger", "verify", "--files", cwd=tmp_path, **s3.environment).code == 0
