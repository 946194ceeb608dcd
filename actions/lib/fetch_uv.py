"""Download of uv's program from the index: one second instead of several, because pip reads uv's long page slowly.

Only a file whose SHA-256 is in requirements/uv.txt is accepted, and only one member of it is unpacked. The default
index and the supported wheels come from pip's own modules. If anything fails, pip installs uv instead.
Source: "Simple repository API", packaging.python.org (JSON, PEP 691).
"""

import hashlib
import json
import os
import re
import struct
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from command import REQUIREMENTS, WINDOWS

TIMEOUT = 20
MOST_BYTES = 200_000_000
_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_JSON = "application/vnd.pypi.simple.v1+json"


def fetch(target: Path) -> Path | None:
    """Download uv into ``target`` and return its path; ``None`` after any failure."""
    try:
        return _fetch(target)
    except Exception:  # noqa: BLE001 (pip's modules, foreign servers and proxies; pip itself is the fallback)
        return None


def _fetch(target: Path) -> Path:
    page, base = _page()
    chosen = _fitting(page["files"])
    wheel = target / "uv.whl"
    target.mkdir(parents=True, exist_ok=True)
    _download(urljoin(base, chosen["url"]), wheel, chosen["hashes"]["sha256"])
    name = "uv.exe" if WINDOWS else "uv"
    program = target / name
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (member for member in archive.infolist() if member.filename.endswith(f".data/scripts/{name}"))
        if member.file_size > MOST_BYTES:
            raise ValueError("uv is too large")
    program.write_bytes(_inflated(wheel, member))
    program.chmod(0o755)
    wheel.unlink()
    return program


def _inflated(wheel: Path, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes in one read, in half the time of `ZipFile.read`; the SHA-256 was verified before.

    Source: APPNOTE.TXT, "4.3.7 Local file header" (pkware.com).
    """
    with wheel.open("rb") as stream:
        stream.seek(member.header_offset)
        header = struct.unpack("<4s5H3I2H", stream.read(30))
        stream.seek(sum(header[-2:]), os.SEEK_CUR)  # the name and the extra field
        data = zlib.decompress(stream.read(member.compress_size), -zlib.MAX_WBITS, member.file_size)
    if header[0] != b"PK\x03\x04" or len(data) != member.file_size:
        raise ValueError("the wheel is laid out in another way")
    return data


def _page() -> tuple[dict[str, Any], str]:
    """Return the index's page on uv, and its address."""
    from pip._internal.models.index import PyPI  # noqa: PLC0415 (not every Python has pip)

    index = next((value for name in _VARIABLES if (value := os.environ.get(name))), PyPI.simple_url)
    request = urllib.request.Request(f"{index.rstrip('/')}/uv/", headers={"Accept": _JSON})  # noqa: S310 (checked below)
    with _open(request) as answer:
        page: dict[str, Any] = json.loads(answer.read(MOST_BYTES))
        return page, answer.geturl()


def _fitting(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the locked wheel that fits this machine best."""
    from pip._vendor.packaging.tags import sys_tags  # noqa: PLC0415 (as above)

    locked = set(re.findall(r"sha256:(\w+)", (REQUIREMENTS / "uv.txt").read_text("utf-8")))
    wheels = [file for file in files if file["hashes"].get("sha256") in locked and file["filename"].endswith(".whl")]
    platforms = {
        tag: wheel for wheel in wheels for tag in wheel["filename"].removesuffix(".whl").split("-")[-1].split(".")
    }
    return next(platforms[tag.platform] for tag in sys_tags() if tag.platform in platforms)


def _download(url: str, path: Path, sha256: str) -> None:
    state = hashlib.sha256()
    with _open(urllib.request.Request(url)) as answer, path.open("wb") as stream:  # noqa: S310 (checked below)
        while block := answer.read(1 << 20):
            state.update(block)
            stream.write(block)
            if stream.tell() > MOST_BYTES:
                raise ValueError("the file is too large")
    if state.hexdigest() != sha256:
        path.unlink()
        raise ValueError("the file is another one")


def _open(request: urllib.request.Request) -> Any:  # noqa: ANN401 (the standard library's own type depends on the scheme)
    if request.type != "https":
        raise ValueError("not an https address")
    return urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 (checked above)
