"""Stand-in for the program `gh`: `auth token`, `api PATH --input -` and `release download`, against the tests' API.

Run as a script with `FAKE_GITHUB_TOKEN`, `GITHUB_API_URL` and `GITHUB_REPOSITORY`; anything else ends with code 64.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path


def main(words: list[str]) -> int:
    """Carry out one command of `gh`."""
    match words:
        case ["auth", "token"]:
            sys.stdout.write(os.environ["FAKE_GITHUB_TOKEN"] + "\n")
        case ["api", path, "--input", "-"]:
            sys.stdout.buffer.write(ask(path, body=sys.stdin.buffer.read()))
        case ["release", "download", tag, "--pattern", name]:
            download(tag, name)
        case _:
            return 64
    return 0


def download(tag: str, name: str) -> None:
    """Write the asset of a release into the current folder."""
    release = json.loads(ask(f"repos/{os.environ['GITHUB_REPOSITORY']}/releases/tags/{tag}"))
    [asset] = [one for one in release["assets"] if one["name"] == name]
    path = f"repos/{os.environ['GITHUB_REPOSITORY']}/releases/assets/{asset['id']}"
    with Path(name).open("xb") as file:
        file.write(ask(path, accept="application/octet-stream"))


def ask(path: str, *, body: bytes | None = None, accept: str = "application/vnd.github+json") -> bytes:
    """Return GitHub's answer; a request with a body is a POST."""
    headers = {"Accept": accept, "User-Agent": "gh", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{os.environ['GITHUB_API_URL']}/{path}", data=body, headers=headers)  # noqa: S310
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['FAKE_GITHUB_TOKEN']}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the address of the tests
        return answer.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
