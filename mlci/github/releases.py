"""Releases and their assets over GitHub's REST API."""

from pathlib import Path
from urllib.parse import quote

from mlci.errors import OutsideError
from mlci.github.file_transfer import FileDownload, FileUpload
from mlci.github.rest import Form, RepositoryClient, form_reader
from mlci.github.retry import RefusedError
from mlci.github.transport import Answer

_PAGE = 100
_MOST_PAGES = 100


class Asset(Form):
    """A release's file.

    Attributes:
        id, name, size: From GitHub's answer.
        state: ``uploaded``; any other value is an incomplete file.
        digest: ``sha256:…`` of the stored bytes; assets from before June 2025 have none.
        created_at: Time of the upload, RFC 3339.
    """

    id: int
    name: str
    size: int
    state: str
    digest: str | None = None
    created_at: str = ""


class Release(Form):
    """A published release.

    Attributes:
        id, tag_name, upload_url: From GitHub's answer.
        assets: Its assets, possibly not all of them.
        immutable: Whether a setting of the repository forbids new assets.
    """

    id: int
    tag_name: str
    upload_url: str
    immutable: bool = False
    assets: tuple[Asset, ...] = ()


class Releases:
    """A repository's releases; ``None`` means that GitHub answered 404."""

    def __init__(self, repository: RepositoryClient) -> None:
        """Take the repository, without sending a request."""
        self._repository = repository

    def by_tag(self, tag: str) -> Release | None:
        """Return the release of a tag."""
        path = f"/releases/tags/{quote(tag, safe='')}"
        return self._repository.get(path, form_reader(Release), doing=f"read the release {tag}")

    def create(self, tag: str, *, name: str, body: str) -> Release | None:
        """Publish a release on an existing tag, beside the project's own; ``None`` if it exists already."""
        payload = {
            "tag_name": tag,
            "name": name,
            "body": body,
            "draft": False,  # drafts are not visible with read access only
            "prerelease": True,
            "make_latest": "false",
        }
        try:
            return self._repository.change(
                "POST", "/releases", form_reader(Release), doing=f"make the release {tag}", body=payload
            )
        except RefusedError as error:
            if "already_exists" in error.message:
                return None
            raise

    def assets(self, release: Release) -> tuple[Asset, ...]:
        """Return all assets of a release, page by page."""
        found: list[Asset] = []
        for number in range(1, _MOST_PAGES + 1):
            page = self._repository.get(
                f"/releases/{release.id}/assets",
                form_reader(tuple[Asset, ...]),
                doing=f"list the files of the release {release.tag_name}",
                parameters={"per_page": _PAGE, "page": number},
            )
            found += page or ()
            if page is None or len(page) < _PAGE:
                return tuple(found)
        raise OutsideError(f"GitHub: the release {release.tag_name} has more than {_PAGE * _MOST_PAGES:,} files")

    def upload(self, release: Release, source: Path, *, size: int, name: str) -> Asset:
        """Upload a file as an asset.

        Raises:
            RefusedError: if an asset has that name already, or the release is full.
        """
        body = FileUpload(source=source, size=size, address=release.upload_url.split("{", 1)[0])
        path, doing = f"/releases/{release.id}/assets", f"upload {source.name}"
        return self._repository.change(
            "POST", path, form_reader(Asset), doing=doing, body=body, parameters={"name": name}
        )

    def download(self, asset: Asset, target: Path) -> bool:
        """Copy an asset's bytes to a file; ``False`` if it is gone."""
        path, doing = f"/releases/assets/{asset.id}", f"download {asset.name}"
        body = FileDownload(target=target, most=asset.size, size=asset.size)
        return self._repository.get(path, _arrived, doing=doing, body=body) is not None

    def delete(self, asset: Asset) -> None:
        """Delete an asset; a missing one is not an error."""
        self._repository.delete(f"/releases/assets/{asset.id}", doing=f"delete {asset.name}")


def _arrived(_: Answer) -> bool:
    return True
