"""A small TCP proxy before a server on this machine, which breaks connections as a test orders."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Fault:
    """A fault of the requests that ``when`` selects, ``times`` times.

    Attributes:
        kind: ``refuse`` before the server hears of it; ``lose`` the answer after the server has acted; ``cut`` the
            answer after ``keep`` bytes of its body; ``stall``: no answer for ``seconds``; ``drip`` a byte at a time;
            ``garble`` the body's first byte; ``status``: an answer of the proxy's own that ``says`` so.
    """

    kind: str
    when: Callable[[bytes], bool] = lambda _: True
    times: int = 10**9
    keep: int = 0
    seconds: float = 0.0
    says: bytes = b"503 Slow Down"


@dataclass
class Proxy:
    """Listens on ``port``; ``faults`` may be changed at any time; ``seen`` are the request lines."""

    target: int
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._stop = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        self._stop.set()
        self._socket.close()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, ValueError), client:
            client.settimeout(60)
            while request := message(client):
                self.seen.append(request.split(b"\r\n", 1)[0].decode())
                fault = next((one for one in self.faults if one.times > 0 and one.when(request)), None)
                if fault is not None:
                    fault.times -= 1
                if not self._answer(client, request, fault):
                    return

    def _answer(self, client, request, fault) -> bool:
        """Answer one request; false closes the connection."""
        kind = fault.kind if fault else "none"
        if kind == "status":
            client.sendall(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % fault.says)
            return True
        if kind in {"refuse", "stall"}:
            self._stop.wait(fault.seconds)
            return False
        with socket.create_connection(("127.0.0.1", self.target), timeout=60) as server:
            server.sendall(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
            answer = message(server, answers=request)
        return kind != "lose" and self._forward(client, answer, kind, fault)

    def _forward(self, client, answer, kind, fault) -> bool:
        head, body = answer.split(b"\r\n\r\n", 1)
        if kind == "cut":
            body = body[: fault.keep]
        if kind == "garble" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        whole = head + b"\r\n\r\n" + body
        pieces = [whole] if kind != "drip" else [whole[at : at + 1] for at in range(len(whole))]
        for piece in pieces:
            client.sendall(piece)
            if kind == "drip" and self._stop.wait(fault.seconds):
                return False
        return kind != "cut"


def message(peer, answers: bytes | None = None) -> bytes:
    """Read one HTTP message whole; empty at the connection's end."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(1 << 16)
        if not piece:
            return b""
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    if answers is not None and answers.startswith(b"HEAD "):
        return data
    length = int(fields.get(b"content-length", b"0"))
    if b"content-length" not in fields and answers is not None:
        length = 1 << 62  # until the server closes
    parts, have = [body], len(body)
    while have < length and (piece := peer.recv(1 << 20)):
        parts.append(piece)
        have += len(piece)
    return head + b"\r\n\r\n" + b"".join(parts)
