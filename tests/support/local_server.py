"""HTTP servers on loopback that stop at once: `serve_forever` would look for its end only every half second."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class LocalServer(ThreadingHTTPServer):
    """A server with a thread for each connection; ``with LocalServer(Handler) as server`` serves in the block."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, port: int = 0) -> None:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.accept_connections, daemon=True)
        super().__init__(("127.0.0.1", port), handler)

    def start(self) -> Self:
        self.thread.start()
        return self

    def accept_connections(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def verify_request(self, *_: Any) -> bool:
        """Refuse the connection that :meth:`stop` makes."""
        return not self.stopping.is_set()

    def stop(self) -> None:
        self.stopping.set()
        socket.create_connection(self.server_address[:2]).close()  # wakes the thread
        self.thread.join()
        self.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
