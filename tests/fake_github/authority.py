"""Certificates for the real host names, from an authority that only the tests trust."""

import ssl
from pathlib import Path

import certifi
import trustme

from tests.fake_github.links import REAL


class Authority:
    """An authority, a server's TLS context, and the file that a client has to trust."""

    def __init__(self, folder: Path) -> None:
        made = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert(*sorted(REAL)).configure_cert(self.context)
        self.file = folder / "authority.pem"
        # Beside the public ones, so that a client which goes elsewhere too still can.
        self.file.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + made.cert_pem.bytes())

    def environment(self, proxy: str) -> dict[str, str]:
        """Variables by which requests, httpx, curl, git and Node come here and trust it."""
        file = str(self.file)
        names = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"]
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, **dict.fromkeys(names, file)}
