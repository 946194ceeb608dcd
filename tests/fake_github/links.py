"""Addresses, which depend on the host by which a client came."""

from dataclasses import dataclass

API, UPLOADS, SITE = "api.github.com", "uploads.github.com", "github.com"
STORAGE = "productionresultssa0.blob.core.windows.net"  # one of the hosts that artifacts are downloaded from
ASSETS = "release-assets.githubusercontent.com"
REAL = {API, UPLOADS, SITE, STORAGE, ASSETS}


@dataclass(frozen=True)
class Links:
    """The addresses of the API, the site, uploads and the storage behind redirects."""

    api: str
    site: str
    uploads: str
    storage: str

    def repo(self, full_name: str) -> str:
        return f"{self.api}/repos/{full_name}"


REAL_LINKS = Links(f"https://{API}", f"https://{SITE}", f"https://{UPLOADS}", f"https://{STORAGE}")


def local(url: str, storage: str) -> Links:
    """Links of a fake without real host names; uploads are where GitHub Enterprise Server has them."""
    return Links(url, url, f"{url}/api/uploads", storage)
