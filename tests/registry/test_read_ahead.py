"""Concurrent reads of entries: in order, with a bounded read-ahead, and without leftover threads."""

import threading

import pytest

from mlci.errors import OutsideError
from mlci.registry.stores.interface import several
from tests.support.registry.contract import reading_threads as threads

AT_ONCE = 4


def sure(number):
    return b"%d" % number


@pytest.mark.parametrize("last", [0, 1, 3, 4, 5, 50])
def test_several__in_order(last):
    assert list(several(sure, last, at_once=AT_ONCE)) == [b"%d" % number for number in range(1, last + 1)]
    assert threads() == []


def test_several__slowest_read_first():
    gone = [threading.Event() for _ in range(AT_ONCE)]

    def read(number):
        if number < AT_ONCE:
            assert gone[number].wait(30)  # until the one after it has come
        gone[number - 1].set()
        return b"%d" % number

    assert list(several(read, AT_ONCE, at_once=AT_ONCE)) == [b"1", b"2", b"3", b"4"]


def test_several__bounded_read_ahead():
    together, asked = threading.Barrier(AT_ONCE), []

    def read(number):
        asked.append(number)
        if number <= AT_ONCE:
            together.wait(30)
        return b""

    found = several(read, 100, at_once=AT_ONCE)
    for number in range(1, 20):
        next(found)
        assert max(asked) <= number + AT_ONCE - 1
    found.close()
    assert threads() == []


def test_several__failure_in_its_turn():
    asked = []

    def read(number):
        asked.append(number)
        if number in {6, 7}:
            raise OutsideError(f"no {number}")
        return b"%d" % number

    found = several(read, 1_000, at_once=AT_ONCE)
    assert [next(found) for _ in range(5)] == [b"1", b"2", b"3", b"4", b"5"]
    with pytest.raises(OutsideError, match="no 6"):
        next(found)
    assert threads() == []
    assert max(asked) <= 6 + AT_ONCE - 1


def test_several__stopped_early():
    let, asked = threading.Event(), []

    def read(number):
        asked.append(number)
        if number > 1:
            assert let.wait(30)
        return b"%d" % number

    found = several(read, 1_000, at_once=AT_ONCE)
    assert next(found) == b"1"
    threading.Timer(0.2, let.set).start()
    found.close()
    assert threads() == []
    assert max(asked) <= AT_ONCE
    assert list(found) == []
