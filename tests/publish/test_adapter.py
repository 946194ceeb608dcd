"""The GitHub adapter against the fake: every page, every refusal and every fault, within bounds."""

import logging
import pickle
from http.server import BaseHTTPRequestHandler

import pytest
from github.Requester import Requester

from mlci.errors import InputError, OutsideError
from mlci.github import transport as module
from mlci.github.client import Client, parse_check_run, parse_comment, parse_head_commit, parse_items
from mlci.github.interface import CheckFields, CheckOutput, NotThere, PermissionRefused, Status
from mlci.github.retry import decode_json, error_message, requested_seconds
from mlci.github.transport import Access, transport
from mlci.publish.check_content import Annotation
from tests.support.local_server import LocalServer
from tests.support.publish.scene import NAME, TODAY, Clock

STATUS = Status(state="success", context=NAME, description="fine")
FIELDS = CheckFields(external_id="7.1", conclusion=None, output=CheckOutput(title="t", summary="s"), url=None)


def client(fake, *, clock=None, token=None, seconds=5.0, **more):
    access = Access(url=fake.url, token=token or fake.token(), agent="mlci/test", seconds=seconds)
    return Client(transport(access), repository=fake.name, patience=(clock or Clock()).patience(**more))


@pytest.fixture
def pull(fake):
    return fake.pull("topic")


def test_comments__all_pages(fake, pull):
    for number in range(201):
        fake.comment(pull, f"comment {number}")
    found = client(fake).comments(pull)
    assert [one.body for one in found] == [f"comment {number}" for number in range(201)]
    assert len(fake.requests) == 3


def test_check_runs__all_of_a_name(fake, pull):
    one, sha = client(fake), fake.head(pull)
    for run in (3, 1, 2):
        fields = CheckFields(
            external_id=f"{run}.1", conclusion=None, output=CheckOutput(title="t", summary="s"), url=None
        )
        one.create_check(head=sha, name=NAME, fields=fields, arrived=lambda: None)
    one.create_check(head=sha, name=f"{NAME}-2", fields=FIELDS, arrived=lambda: None)
    assert [check.external_id for check in one.check_runs(sha, NAME)] == ["3.1", "1.1", "2.1"]
    assert [check.external_id for check in one.check_runs("heads/topic", NAME)] == ["3.1", "1.1", "2.1"]


def test_adapter__not_found_is_a_value(fake, pull):
    one = client(fake)
    assert one.edit_comment(999, "x") == NotThere()
    assert one.delete_comment(999) == NotThere()
    assert one.check_runs("heads/gone", NAME) == NotThere()
    assert one.head(999) == NotThere()
    with pytest.raises(OutsideError, match=r"comment on pull request 999 \(404\)"):
        one.create_comment(999, "x", arrived=lambda: None)


@pytest.mark.parametrize("permission", ["checks", "statuses", "pull-requests"])
def test_adapter__refusal_names_the_permission(fake, pull, permission):
    token = fake.token({name: "write" for name in ("checks", "statuses", "pull-requests") if name != permission})
    one, sha = client(fake, token=token), fake.head(pull)
    found = {
        "checks": one.create_check(head=sha, name=NAME, fields=FIELDS, arrived=lambda: None),
        "statuses": one.set_status(sha, STATUS),
        "pull-requests": one.create_comment(pull, "hello", arrived=lambda: None),
    }
    said = "Resource not accessible by integration"
    assert found[permission] == PermissionRefused(permission=permission, message=said)
    assert [name for name, answer in found.items() if isinstance(answer, PermissionRefused)] == [permission]


def test_adapter__reading_a_private_repository(fake, pull):
    fake.repo["private"] = True
    one = client(fake, token=fake.token({"statuses": "write"}))
    assert one.check_runs(fake.head(pull), NAME).permission == "checks"
    assert one.comments(pull).permission == "pull-requests"


def test_adapter__invalid_token(fake, pull):
    with pytest.raises(OutsideError, match="the token is not valid") as raised:
        client(fake, token="ghs_wrong_and_secret").comments(pull)
    assert "secret" not in str(raised.value)
    assert len(fake.requests) == 1


def test_login__of_the_token(fake):
    assert client(fake).login() is None
    assert client(fake, token=fake.token(user="octocat")).login() == "octocat"


def test_access__token_is_never_shown(fake, pull, caplog):
    caplog.set_level(logging.DEBUG)
    access = Access(url=fake.url, token="ghs_secret", agent="mlci/test")
    assert "ghs_secret" not in repr(access)
    fake.fail(kind="drop", times=0)
    with pytest.raises(OutsideError) as raised:
        client(fake, token="ghs_secret").comments(pull)
    assert "ghs_secret" not in caplog.text + str(raised.value)
    assert "127.0.0.1" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://api.github.com", "http://127.0.0.1.evil.org", "ftp://x", "api.github.com", ""])
def test_transport__token_needs_https(url):
    with pytest.raises(InputError, match="only sent to an https address"):
        transport(Access(url=url, token="t", agent="a"))


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 408},
        {"kind": "drop"},
        {"kind": "truncated"},
        {"kind": "garbage"},
        {"kind": "timeout", "seconds": 1},
    ],
    ids=lambda facts: f"{facts['kind']}-{facts.get('status', '')}",
)
def test_adapter__retries_with_growing_pauses(fake, pull, facts):
    clock = Clock()
    fake.fail("GET", "/comments", **facts, times=2)
    assert client(fake, clock=clock, seconds=0.2).comments(pull) == ()
    assert clock.slept == [1.0, 2.0]
    assert len(fake.requests) == 3


def test_adapter__gives_up_after_five_tries(fake, pull):
    clock = Clock()
    fake.fail("GET", "/comments", times=0)
    with pytest.raises(OutsideError, match=r"list the comments of pull request 1 in 5 tries \(status 500\)"):
        client(fake, clock=clock).comments(pull)
    assert (clock.slept, len(fake.requests)) == ([1.0, 2.0, 4.0, 8.0], 5)


def test_adapter__time_limit_for_all_requests(fake, pull):
    clock = Clock()
    fake.fail("GET", "*", times=0)
    one = client(fake, clock=clock, total=20)
    for _ in range(4):
        with pytest.raises(OutsideError):
            one.comments(pull)
    assert clock.at <= 20
    sent = len(fake.requests)
    clock.at = 20
    with pytest.raises(OutsideError, match="20 s that mlci gives GitHub are over"):
        one.comments(pull)
    assert len(fake.requests) == sent


@pytest.mark.parametrize(("kind", "more"), [("secondary", {}), ("secondary", {"status": 429}), ("primary", {})])
def test_adapter__waits_for_a_rate_limit(fake, pull, kind, more, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("tests.fake_github.faults.time.time", lambda: TODAY + clock.at)
    fake.fail("POST", "/comments", kind, seconds=7, **more)
    found = client(fake, clock=clock).create_comment(pull, "hello", arrived=lambda: pytest.fail("it was refused"))
    assert found.body == "hello"
    assert clock.slept == [7.0 if kind == "secondary" else 8.0]


def test_adapter__rate_limit_beyond_the_time_limit(fake, pull):
    clock = Clock()
    fake.fail("GET", "*", "secondary", seconds=3_600, times=0)
    with pytest.raises(OutsideError, match=r"rate limit.*due in 3600 s, and mlci waits 180 s in all"):
        client(fake, clock=clock).comments(pull)
    assert (clock.slept, len(fake.requests)) == ([], 1)


def test_retry_policy__rate_limit_without_a_time():
    assert requested_seconds({}, TODAY) == 60
    assert requested_seconds({"retry-after": "soon"}, TODAY) == 60
    assert requested_seconds({"retry-after": "9" * 400}, TODAY) == 1e12
    assert requested_seconds({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, TODAY) == 1


def test_adapter__oversized_answer(fake, pull, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 100_000)
    fake.fail("GET", "/comments", "oversized", size=5_000_000)
    clock = Clock()
    assert client(fake, clock=clock).comments(pull) == ()
    assert clock.slept == [1.0]
    fake.fail("GET", "/comments", "oversized", size=5_000_000, times=0)
    with pytest.raises(OutsideError, match="more than 100,000 bytes"):
        client(fake).comments(pull)


def test_adapter__slow_answer(fake, pull):
    fake.comment(pull, "a little at a time")
    fake.fail("GET", "/comments", "slow", seconds=1.0, times=0)
    with pytest.raises(OutsideError, match="took more than 0 s"):
        client(fake, seconds=0.2, attempts=2).comments(pull)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 202])
def test_adapter__redirects_are_not_followed(pull, status):
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            self.send_response(status)
            self.send_header("Location", f"http://localhost:{self.server.server_port}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with LocalServer(Handler) as server:
        access = Access(url=f"http://127.0.0.1:{server.server_port}", token="t", agent="a")
        one = Client(transport(access), repository="o/r", patience=Clock().patience(attempts=2))
        with pytest.raises(OutsideError, match=r"redirects to another address|not ready"):
            one.comments(1)
    assert seen == ["token t"] * 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "timeout", "garbage"])
def test_create_comment__lost_answer_is_looked_up_before_a_retry(fake, pull, when, kind):
    one = client(fake, seconds=0.3)
    fake.fail("POST", "/issues/*/comments", kind, when=when, seconds=1)
    looked = []

    def arrived():
        looked.append(one.comments(pull))
        return next(iter(looked[-1]), None)

    assert one.create_comment(pull, "hello", arrived=arrived).body == "hello"
    assert len(fake.comments(pull)) == 1
    assert len(looked) == 1


def test_update_check__lost_answer_does_not_repeat_annotations(fake, pull):
    one, sha = client(fake), fake.head(pull)
    check = one.create_check(head=sha, name=NAME, fields=FIELDS, arrived=lambda: None)
    remarks = tuple(Annotation(path="mlci.yml", line=i, level="failure", title="t", message="m") for i in range(1, 51))
    fields = CheckFields(
        external_id="7.1",
        conclusion="failure",
        output=CheckOutput(title="t", summary="s", annotations=remarks),
        url=None,
    )
    fake.fail("PATCH", "/check-runs/*", "drop", when="after")

    def arrived():
        (found,) = one.check_runs(sha, NAME)
        return found if found.annotations >= 50 else None

    assert one.update_check(check.id, fields, arrived=arrived).annotations == 50
    assert len(fake.check_runs(sha)[0]["annotations"]) == 50


def test_adapter__other_pygithub_clients_are_unaffected(fake):
    before = vars(Requester)["_Requester__httpConnectionClass"]
    client(fake)
    assert vars(Requester)["_Requester__httpConnectionClass"] is before


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "nul"])
def test_decode_json__not_json(body):
    with pytest.raises(ValueError, match="its answer is not JSON") as raised:
        decode_json(body)
    assert len(str(raised.value)) < 80


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (parse_comment, None),
        (parse_comment, []),
        (parse_comment, {}),
        (parse_comment, {"id": "7"}),
        (parse_comment, {"id": True}),
        (parse_comment, {"id": -1}),
        (parse_check_run, {"id": None}),
        (parse_check_run, {"id": 7, "output": {"annotations_count": "many"}}),
        (parse_head_commit, {"head": None}),
        (parse_head_commit, 7),
    ],
)
def test_parse_answer__unexpected_form(read, data):
    with pytest.raises(ValueError, match="its answer"):
        read(data)


def test_parse_comment__deleted_user_and_check_without_output():
    assert parse_comment({"id": 7, "user": None, "body": None, "html_url": "u"}).author == ""
    assert parse_check_run({"id": 7, "output": None, "app": None}).app == ""
    with pytest.raises(ValueError, match="not a list"):
        parse_items({"check_runs": {}}, "check_runs")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", ""),
        ("<html>", ""),
        ("[]", ""),
        ('{"message": "no"}', "no"),
        ('{"message": "no", "errors": [{"message": "too long"}, "x"]}', "no; too long; x"),
        ('{"message": "no", "errors": {"a": 1}}', "no"),
        ('{"message": 7}', ""),
    ],
)
def test_error_message__of_github(body, said):
    assert error_message(body) == said


def test_access__token_is_not_in_the_repr_after_pickling():
    assert "hunter2" not in repr(pickle.loads(pickle.dumps(Access(url="https://x", token="hunter2", agent="a"))))  # noqa: S301
