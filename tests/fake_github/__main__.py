"""Serve the fake for a user, or for other processes: `python -m tests.fake_github --repo DIR.git`."""

import argparse
import shlex
import signal
import sys
import tempfile
import threading
from pathlib import Path

from click import echo

from tests.fake_github.fake import Fake


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_github", description=__doc__)
    parser.add_argument("--repo", type=Path, help="a bare git repository; a small one is made if there is none")
    parser.add_argument("--name", default="octo-org/model", help="owner/name (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen at (default: any that is free)")
    parser.add_argument("--private", action="store_true", help="a private repository: reading takes a permission")
    parser.add_argument("--https", action="store_true", help="stand for https://api.github.com too, as a proxy")
    parser.add_argument("--state", type=Path, help="write everything to this file after each change")
    parser.add_argument("--pull", default="topic", help="branch to open a pull request from (default: %(default)s)")
    return parser.parse_args()


def instructions(fake: Fake, number: int | None, folder: Path) -> str:
    """Return lines to paste into a shell, so that mlci publishes here."""
    token = fake.token()
    event = ("pull_request", number) if number else ("push", None)
    variables = fake.environment(*event, folder=folder, token=token)
    if fake.authority:
        variables |= fake.authority.environment(fake.url) | {"GITHUB_API_URL": "https://api.github.com"}
    wanted = [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if name != "CI"]
    other = {
        "a fork's read-only token": fake.token(fork=True),
        "a user's token": fake.token(user="octocat"),
    }
    lines = ["", *wanted, "", *(f"# {name}: {value}" for name, value in other.items())]
    lines += ["", "mlci publish .mlci/out/report.json --code 0 --ended success", ""]
    return "\n".join(lines)


def main() -> int:
    options = arguments()
    for one in (signal.SIGTERM, signal.SIGINT):  # a shell starts background jobs with SIGINT ignored
        signal.signal(one, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="fake-github-") as scratch:
        folder = Path(scratch)
        repo = options.repo or folder / "model.git"
        facts = {"name": options.name, "port": options.port, "private": options.private}
        fake = Fake(repo, **facts, https=options.https, state=options.state).start()
        try:
            number = fake.pulls()[0]["number"] if fake.pulls() else fake.pull(options.pull)
        except LookupError:
            number = None
        try:
            echo(fake.url)
            echo(instructions(fake, number, folder / "event"))
            echo(f"Look at {fake.url}/ in a browser; ask {fake.url}/_fake/requests what was called. Ctrl-C ends.")
            threading.Event().wait()
        except KeyboardInterrupt:
            fake.stop()
    return findings(fake)


def findings(fake: Fake) -> int:
    try:
        fake.verify()
    except AssertionError as error:
        echo(error, err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
