"""moto's S3 server as a process.

``python -m tests.support.registry.s3_server`` prints its port and stays until it is ended.

moto answers ``If-None-Match: *`` and ``If-Match`` with 412 as S3 does, but looks and writes in two steps, on a thread
for each connection. S3 promises one step, so requests take turns here; bodies are read before.
"""

import io
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        """Write nothing."""


def in_turns(app):
    turn = threading.Lock()

    def one(environ, start):
        stream = environ["wsgi.input"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        data = stream.read() if environ.get("wsgi.input_terminated") else stream.read(length)
        if len(data) < length:
            start("400 Bad Request", [])
            return [b""]  # the body broke off: nothing was put
        environ["wsgi.input"] = io.BytesIO(data)
        with turn:
            return list(app(environ, start))

    return one


def main():
    app = in_turns(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
