import pytest

from mlci.util.retry_policy import RetryPolicy


class UnsureError(Exception):
    """An error after which a request is repeated."""


class Requests:
    """Requests that fail some times, on a clock that only sleeping moves."""

    def __init__(self, *, failures, **limits):
        self.left, self.sent, self.slept, self.at = failures, 0, [], 0.0
        self.policy = RetryPolicy(clock=lambda: self.at, sleep=self.sleep, spread=lambda: 0.5, **limits)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds

    def __call__(self):
        self.sent += 1
        if self.sent <= self.left:
            raise UnsureError(self.sent)
        return "answer"


def test_retrying__waits_double():
    requests = Requests(failures=3, attempts=5, first=0.5)
    assert requests.policy.retrying(UnsureError)(requests) == "answer"
    assert requests.slept == [0.5, 1, 2]


def test_retrying__attempts_are_used_up():
    requests = Requests(failures=9, attempts=3)
    with pytest.raises(UnsureError, match="3"):
        requests.policy.retrying(UnsureError)(requests)
    assert (requests.sent, requests.slept) == (3, [1, 2])


def test_retrying__wait_would_exceed_the_time():
    requests = Requests(failures=9, attempts=9, total=7)
    with pytest.raises(UnsureError, match="3"):
        requests.policy.retrying(UnsureError)(requests)
    assert requests.slept == [1, 2]


def test_retrying__end_is_shared_with_earlier_requests():
    requests = Requests(failures=9, attempts=9, total=100)
    with pytest.raises(UnsureError):
        requests.policy.retrying(UnsureError, end=2.5)(requests)
    assert requests.slept == [1]


def test_retrying__error_names_its_wait():
    requests = Requests(failures=2)
    assert requests.policy.retrying(UnsureError, wait=lambda error: 7 if error.args == (1,) else None)(requests)
    assert requests.slept == [7, 2]


def test_retrying__other_error_is_not_repeated():
    requests = Requests(failures=1)
    with pytest.raises(UnsureError):
        requests.policy.retrying(KeyError)(requests)
    assert (requests.sent, requests.slept) == (1, [])


def test_retrying__give_up_decides():
    requests = Requests(failures=9, attempts=2)
    assert requests.policy.retrying(UnsureError, give_up=lambda state: state.attempt_number)(requests) == 2


def test_tries__attempts_are_used_up():
    requests = Requests(failures=0, attempts=3)
    assert list(requests.policy.tries()) == [1, 2, 3]
    assert requests.slept == [1, 2]


def test_tries__time_is_over():
    requests = Requests(failures=0, attempts=9, total=3)
    assert list(requests.policy.tries()) == [1, 2]


def test_tries__reader_stops_early():
    requests = Requests(failures=0)
    assert next(requests.policy.tries()) == 1
    assert requests.slept == []
