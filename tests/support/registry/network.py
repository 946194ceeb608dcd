"""The contract of object stores on a network that fails."""

import contextlib
import http.client
import queue
import threading
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mlci.errors import OutsideError
from mlci.registry import ledger, verification
from mlci.registry.errors import CorruptError
from mlci.registry.registry import Registry
from mlci.registry.stores.interface import Checkpoint
from tests.support.registry.buckets import QUICK
from tests.support.registry.contract import reading_threads
from tests.support.registry.histories import promotion, sha, stamp
from tests.support.registry.proxy import Fault, Proxy

CALLS = ["tail", "read", "read_to", "read_checkpoint", "holds", "get", "put", "append", "write_checkpoint"]
BOUND = 60  # seconds in which anything has come to an end; it takes about 5, and machines are busy


def puts(request):
    return request.startswith(b"PUT ")


def gets(request):
    return request.startswith(b"GET ")


def appends(request):
    """Find the write of an entry, not the probe that comes before the first one."""
    return _line(request, b"PUT", b"ledger")


def call_with_fault(bucket, shaky, proxy, fault, call, tmp_path):
    """Make one call while every request meets the fault: the right answer or an OutsideError, in bounded time."""
    (tmp_path / "f").write_bytes(b"whole")
    (tmp_path / "new").write_bytes(b"new")
    seen = Checkpoint(number=1, digest=sha(b"first"))
    bucket.store().put(tmp_path / "f", sha(b"whole"))
    bucket.store().append(1, b"first")
    bucket.store().write_checkpoint(seen)
    proxy.faults = [fault]
    ask, right = {
        "tail": (shaky.tail, 1),
        "read": (lambda: shaky.read(1), b"first"),
        "read_to": (lambda: list(shaky.read_to(1)), [b"first"]),
        "read_checkpoint": (shaky.read_checkpoint, seen),
        "holds": (lambda: shaky.holds(sha(b"whole")), True),
        "get": (lambda: shaky.get(sha(b"whole"), tmp_path / "got"), True),
        "put": (lambda: shaky.put(tmp_path / "new", sha(b"new")), None),
        "append": (lambda: shaky.append(2, b"second"), True),
        "write_checkpoint": (lambda: shaky.write_checkpoint(Checkpoint(number=2, digest="a" * 64)), None),
    }[call]
    answer = outcome(ask)
    if isinstance(answer, OutsideError):
        assert "127.0.0.1" not in str(answer)
        assert "got" not in {path.name for path in tmp_path.iterdir()}
    else:
        assert answer == right
    assert bucket.store().read(2) in (None, b"second")
    assert answer is not True or call != "append" or bucket.store().read(2) == b"second"


def call_store(store, call, tmp_path):
    """Make one call of a place where there is nothing."""
    (tmp_path / "f").write_bytes(b"x")
    calls = {
        "read": lambda: store.read(1),
        "read_to": lambda: list(store.read_to(1)),
        "holds": lambda: store.holds("0" * 64),
        "get": lambda: store.get("0" * 64, tmp_path / "got"),
        "put": lambda: store.put(tmp_path / "f", sha(b"x")),
        "append": lambda: store.append(1, b"x"),
        "write_checkpoint": lambda: store.write_checkpoint(Checkpoint(number=1, digest="a" * 64)),
    }
    return calls.get(call, getattr(store, call))()


def outcome(ask):
    """Return what a call returns, or its OutsideError; waiting for it ends after ``BOUND`` seconds with an error."""
    answers = queue.Queue()

    def call():
        try:
            answers.put(ask())
        except BaseException as error:  # noqa: BLE001 - raised again below
            answers.put(error)

    threading.Thread(target=call, daemon=True).start()
    answer = answers.get(timeout=BOUND)
    if isinstance(answer, BaseException) and not isinstance(answer, OutsideError):
        raise answer
    return answer


class Network:
    """Whatever the network does: bounded time, an OutsideError, never a wrong answer.

    A test module of an object store runs it by a subclass with a fixture ``bucket``.
    """

    @pytest.fixture
    def proxy(self, bucket):
        proxy = Proxy(bucket.port)
        yield proxy
        proxy.close()

    @pytest.fixture
    def shaky(self, bucket, proxy):
        """The store behind the proxy, with short limits."""
        return bucket.behind(proxy.port).store(limits=QUICK)

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("kind", ["refuse", "lose", "status", "cut"])
    def test_store__lasting_fault(self, bucket, shaky, proxy, tmp_path, kind, call):
        call_with_fault(bucket, shaky, proxy, Fault(kind, keep=3), call, tmp_path)

    @pytest.mark.parametrize("kind", ["refuse", "lose", "status", "cut", "stall"])
    def test_store__passing_fault_is_retried(self, bucket, shaky, proxy, tmp_path, kind):
        (tmp_path / "f").write_bytes(b"whole" * 1_000_000)
        digest = sha(b"whole" * 1_000_000)
        for method in (appends, puts, gets):
            proxy.faults = [Fault(kind, when=method, times=1, keep=5, seconds=3)]
            number = 1 + bucket.store().tail()
            assert shaky.append(number, b"entry")
            assert shaky.tail() == number
            shaky.put(tmp_path / "f", digest)
            assert shaky.get(digest, tmp_path / "got")
            assert sha((tmp_path / "got").read_bytes()) == digest

    def test_append__answer_lost(self, bucket, shaky, proxy):
        proxy.faults = [Fault("lose", when=appends, times=1)]
        assert shaky.append(1, b"mine")
        assert proxy.faults[0].times == 0
        assert bucket.store().read(1) == b"mine"

    def test_append__answer_lost_and_number_taken(self, bucket, shaky, proxy):
        bucket.store().append(1, b"another")
        proxy.faults = [Fault("lose", when=puts)]
        assert shaky.append(1, b"mine") is False

    @pytest.mark.parametrize("kind", ["refuse", "lose", "status", "cut"])
    @pytest.mark.parametrize("method", [b"PUT", b"DELETE"])
    def test_append__a_fault_of_the_probe(self, bucket, shaky, proxy, kind, method):
        proxy.faults = [Fault(kind, when=lambda request: _line(request, method, b"probe"))]
        assert shaky.append(1, b"mine")
        assert bucket.store().read(1) == b"mine"
        assert any("probe" in unquote(line) for line in proxy.seen)

    def test_append__answer_lost_and_entry_unreadable(self, bucket, shaky, proxy):
        proxy.faults = [Fault("lose", when=puts), Fault("refuse", when=gets)]
        with pytest.raises(OutsideError, match="whether entry 1 was written is not known"):
            shaky.append(1, b"mine")
        assert bucket.store().read(1) == b"mine"
        proxy.faults = []
        assert shaky.append(1, b"mine")

    def test_append__request_never_arrives(self, bucket, shaky, proxy):
        proxy.faults = [Fault("refuse", when=puts)]
        with pytest.raises(OutsideError, match="is not known"):
            shaky.append(1, b"mine")
        assert bucket.store().read(1) is None

    def test_read_to__unreadable_entry_raises_after_those_before_it(self, bucket, shaky, proxy):
        for number in range(1, 41):
            bucket.store().append(number, b"%d" % number)
        proxy.faults = [Fault("refuse", when=lambda request: b"000000021" in request.split(b"\r\n")[0])]
        found, came = shaky.read_to(40), []
        with pytest.raises(OutsideError, match="could not read entry 21"):
            came.extend(found)
        assert came == [b"%d" % number for number in range(1, 21)]
        assert not reading_threads()
        assert not [line for line in proxy.seen if "ledger/000000040" in unquote(line)]

    def test_append_entry__every_answer_lost_once(self, bucket, shaky, proxy):
        for number in range(1, 6):
            proxy.faults = [Fault("lose", when=appends, times=1)]
            assert Registry(shaky, stamp()).append(promotion).number == number
            assert proxy.faults[0].times == 0
        assert verification.verify_ledger(bucket.store()).entries == 5

    def test_write_checkpoint__newer_one_written_meanwhile(self, bucket, shaky, proxy):
        first, second, third = (Checkpoint(number=number, digest=sha(b"%d" % number)) for number in (1, 2, 3))
        shaky.write_checkpoint(first)
        proxy.faults = [Fault("none", when=lambda request: puts(request) and bucket.store().write_checkpoint(third))]
        shaky.write_checkpoint(second)
        assert shaky.read_checkpoint() == third

    def test_read_ledger_head__flipped_bit(self, bucket, shaky, proxy):
        Registry(bucket.store(), stamp()).append(promotion)
        proxy.faults = [Fault("garble", when=lambda request: _line(request, b"ledger", b"0000"))]
        with pytest.raises(CorruptError, match="entry 1 is"):
            ledger.read_ledger_head(shaky)

    def test_tail__no_server(self, bucket):
        with pytest.raises(OutsideError, match="no connection to the store; check the address"):
            bucket.behind(1).store(limits=QUICK).tail()

    @pytest.mark.parametrize("asked", [b"POST", b"PUT"])
    @pytest.mark.parametrize("part", [b"uploads", b"uploadId="])
    def test_put__multipart_upload_with_lost_answers(self, bucket, shaky, proxy, tmp_path, asked, part):
        (tmp_path / "f").write_bytes(b"large" * 4_000_000)
        proxy.faults = [Fault("lose", when=lambda request: _line(request, asked, part), times=1)]
        shaky.put(tmp_path / "f", sha(b"large" * 4_000_000))
        assert bucket.store().get(sha(b"large" * 4_000_000), tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == b"large" * 4_000_000

    def test_put__multipart_upload_aborted_meanwhile(self, bucket, shaky, proxy, tmp_path):
        """A bucket's lifecycle rule for unfinished uploads aborts it."""
        (tmp_path / "f").write_bytes(b"large" * 4_000_000)
        once = threading.Lock()
        proxy.faults = [Fault("none", when=lambda request: _throw(bucket, request, once))]
        shaky.put(tmp_path / "f", sha(b"large" * 4_000_000))
        assert bucket.store().get(sha(b"large" * 4_000_000), tmp_path / "got")
        assert once.locked()


def _line(request, *parts):
    line = request.split(b"\r\n", 1)[0]
    return all(part in line for part in parts)


def _throw(bucket, request, once):
    """Abort the upload that a part belongs to, once: parts go up side by side."""
    if not _line(request, b"PUT", b"uploadId=") or not once.acquire(blocking=False):
        return
    target = urlsplit(request.split(b" ", 2)[1].decode())
    upload = parse_qs(target.query)["uploadId"][0]
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", bucket.port, timeout=30)) as connection:
        connection.request("DELETE", f"{target.path}?uploadId={upload}")
        assert connection.getresponse().status == 204
