"""What a store has to do behind a network that fails."""

import time

from mlci.errors import OutsideError
from mlci.registry.interface import Witness
from tests.registry.histories import sha

CALLS = ["tail", "read", "read_to", "witness", "holds", "get", "put", "append", "leave_witness"]
BOUND = 60  # seconds in which anything has come to an end; it takes about 5, and machines are busy


def puts(request):
    return request.startswith(b"PUT ")


def gets(request):
    return request.startswith(b"GET ")


def suffers(s3, shaky, proxy, fault, call, tmp_path):
    """Make one call while every request meets the fault: the right answer or an OutsideError, in bounded time."""
    (tmp_path / "f").write_bytes(b"whole")
    (tmp_path / "new").write_bytes(b"new")
    seen = Witness(number=1, digest=sha(b"first"))
    s3.store().put(tmp_path / "f", sha(b"whole"))
    s3.store().append(1, b"first")
    s3.store().leave_witness(seen)
    proxy.faults = [fault]
    ask, right = {
        "tail": (shaky.tail, 1),
        "read": (lambda: shaky.read(1), b"first"),
        "read_to": (lambda: list(shaky.read_to(1)), [b"first"]),
        "witness": (shaky.witness, seen),
        "holds": (lambda: shaky.holds(sha(b"whole")), True),
        "get": (lambda: shaky.get(sha(b"whole"), tmp_path / "got"), True),
        "put": (lambda: shaky.put(tmp_path / "new", sha(b"new")), None),
        "append": (lambda: shaky.append(2, b"second"), True),
        "leave_witness": (lambda: shaky.leave_witness(Witness(number=2, digest="a" * 64)), None),
    }[call]
    began = time.monotonic()
    answer = outcome(ask)
    assert time.monotonic() - began < BOUND
    if isinstance(answer, OutsideError):
        assert "127.0.0.1" not in str(answer)
        assert "got" not in {path.name for path in tmp_path.iterdir()}
    else:
        assert answer == right
    assert s3.store().read(2) in (None, b"second")
    assert answer is not True or call != "append" or s3.store().read(2) == b"second"


def outcome(ask):
    """Return what a call returns, or its OutsideError."""
    answer = None
    try:
        answer = ask()
    except OutsideError as error:
        answer = error
    return answer
