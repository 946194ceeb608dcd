"""Damage to a registry is reported before a promotion, and nothing is written."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from mlci.operations.registry import preflight
from mlci.registry import layout
from mlci.registry.errors import CorruptError
from mlci.registry.manifest import Manifest
from mlci.registry.registry import Registry
from mlci.registry.stores.folder import FolderStore
from tests.support.project import holdout, mlci, run
from tests.support.registry.histories import promote_versions, sha, stamp, verdict
from tests.support.registry.lifecycle import (
    DAMAGE,
    MODEL,
    bodies,
    champion,
    file_of,
    manifest,
    manifest_digest,
    promote,
    state,
    store,
)
from tests.support.repository import commit

WHERE = f".mlci/registry/{MODEL}"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """Two versions, a recorded verdict, and a better candidate that was judged and waits."""
    folder = champion(tmp_path_factory.mktemp("project"), 4)
    commit(folder, {"k.txt": "3"})
    assert run(folder, "--record").code == 0
    assert promote(folder).code == 0
    commit(folder, {"k.txt": "2"})
    assert run(folder).code == 0
    return folder


@pytest.fixture
def project(waiting, tmp_path):
    """A copy of the registry, to be damaged."""
    shutil.copytree(waiting, tmp_path / "project")
    return tmp_path / "project"


def objects(folder: Path) -> list[Path]:
    """Return every file of the registry except the checkpoint."""
    found = sorted(path.relative_to(folder) for path in (folder / WHERE).rglob("*") if path.is_file())
    return [path for path in found if path.name != "witness.json"]


def assert_refused(folder: Path, *more, names: str) -> None:
    """See that nothing is promoted, that the damage is named, and that nothing was written."""
    before = {path: (folder / path).read_bytes() for path in objects(folder)}
    ended = promote(folder, *more)
    assert (ended.code, ended.out) == (4, ""), names
    assert names in ended.err
    assert {path: (folder / path).read_bytes() for path in objects(folder)} == before


@pytest.mark.parametrize("damage", DAMAGE)
def test_promote__any_file_of_the_registry_damaged(project, damage):
    """Damages old and new entries, manifests, models, predictions, reports and configurations of both versions."""
    names = {manifest_digest(project, n): f"the manifest of version {n}" for n in (1, 2)}
    for number in (1, 2):
        parts = Manifest.model_validate(manifest(project, number)).everything()
        names |= {part.digest: f"`{part.name}` of version" for part in parts if part.digest not in names}
    places = objects(project)
    assert {path.name for path in places if path.parts[-3] == "files"} == set(names)
    assert len(places) == len(names) + 3
    for path in places:
        whole = (project / path).read_bytes()
        DAMAGE[damage](project / path)
        number = layout.entry_number(path.name)
        cut_back = damage == "missing" and number == 3
        assert_refused(project, names="it was cut back" if cut_back else names.get(path.name) or f"entry {number}")
        (project / path).write_bytes(whole)
    assert promote(project).report["version"] == 3


def test_promote__remedies_for_damage(project):
    lost = file_of(project, manifest(project, 2)["files"][0]["digest"])
    lost.unlink()
    for says in ("`model.txt` of version 2 is missing", "mlci rollback --to VERSION", "--despite REASON"):
        assert_refused(project, names=says)
    assert mlci("rollback", "--to", 1, "--reason", "version 2 is damaged", cwd=project).code == 0
    ended = promote(project)  # judged again, against version 1; the damaged one is named all the same
    assert ended.code == 4
    assert "`model.txt` of version 2 is missing" in ended.err


def test_promote__despite_with_a_reason(project):
    file_of(project, manifest(project, 1)["files"][0]["digest"]).unlink()
    ended = promote(project, "--note", "November", "--despite", "no copy of version 1 is left")
    assert (ended.code, ended.report["version"]) == (0, 3)
    assert "`model.txt` of version 1 is missing" in ended.report["notes"][0]
    assert bodies(project)[-1].note == "November; despite damage: no copy of version 1 is left"


def test_promote__despite_without_damage(project):
    assert promote(project, "--despite", "in any case").report["notes"] == []
    assert bodies(project)[-1].note is None


def test_promote__despite_does_not_accept_a_changed_entry(project):
    DAMAGE["altered"](project / WHERE / "ledger/000000001.json")
    assert_refused(project, "--despite", "never mind", names="entry 1")


def test_promote__reason_too_long(project):
    assert promote(project, "--despite", "x" * 1001).code == 2
    assert promote(project, "--despite", "x", "--note", "y" * 901).code == 2
    assert state(project).champion == 2


def test_promote__champion_itself_is_damaged(project):
    assert promote(project).code == 0
    assert promote(project).report["promoted"] is False
    DAMAGE["altered"](file_of(project, manifest(project, 3)["files"][0]["digest"]))
    assert_refused(project, names="`model.txt` of version 3 was altered")


@pytest.mark.parametrize("ahead", [301, 86_400])
def test_promote__clock_behind_the_ledger(project, ahead):
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead + 60)
    Registry(store(project), stamp(now=lambda: at.isoformat(timespec="seconds"))).append(lambda _: verdict())
    assert_refused(
        project, names=f"before entry 4 (ada) was written at {at.isoformat(timespec='seconds')}: one of them is wrong"
    )
    ended = promote(project, "--despite", "ada's laptop was a day ahead")
    assert (ended.code, ended.report["version"]) == (0, 3)
    assert "one of them is wrong" in ended.report["notes"][0]
    findings = mlci("ledger", "verify", "--json", cwd=project).report["findings"]
    assert [item["entry"] for item in findings] == [5]


def append_verdict(project, at: dt.datetime | str) -> None:
    """Append a verdict at some time."""
    text = at if isinstance(at, str) else at.isoformat(timespec="seconds")
    Registry(store(project), stamp(now=lambda: text)).append(lambda _: verdict())


def test_promote__clock_behind_although_a_later_entry_is_older(project):
    """The machine whose clock is a day behind records a verdict first, which checks no clock."""
    now = dt.datetime.now(dt.UTC)
    append_verdict(project, now + dt.timedelta(days=1))
    append_verdict(project, now)
    assert_refused(project, names="before entry 4 (ada) was written")
    assert promote(project, "--despite", "entry 4 came from the future").report["version"] == 3
    commit(project, {"k.txt": "1"})
    assert run(project).code == 0
    assert promote(project).report["version"] == 4  # accepted once, and not reported again


def test_promote__unreadable_time_in_the_ledger(project):
    append_verdict(project, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    append_verdict(project, "yesterday")
    assert_refused(project, names="before entry 4 (ada) was written")
    ended = mlci("ledger", "verify", "--json", cwd=project)
    assert (ended.code, ended.out, "before entry 4 (ada) was written" in ended.err) == (4, "", True)
    assert promote(project, "--despite", "entry 4 came from the future").code == 0
    findings = mlci("ledger", "verify", "--json", cwd=project).report["findings"]
    assert {"entry": 5, "message": "its time 'yesterday' can't be read"} in findings


def test_promote__clock_slightly_behind(project):
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=240)
    Registry(store(project), stamp(now=lambda: at.isoformat(timespec="seconds"))).append(lambda _: verdict())
    assert promote(project).code == 0


def test_promote__rescored_predictions_damaged(project):
    """The evaluation set moved, and `mlci run --record` scored production on it; the promotion depends on them."""
    commit(project, {"holdout.csv": holdout(60, first=500)})
    assert run(project, "--record").code == 0
    added = next(body for body in bodies(project) if body.kind == "rescored")
    for digest, named in (
        (added.predictions, "the predictions that entry 4 added"),
        (
            json.loads(file_of(project, added.predictions).read_bytes())["file"]["digest"],
            "that entry 4 added was altered",
        ),
    ):
        whole = file_of(project, digest).read_bytes()
        DAMAGE["altered"](file_of(project, digest))
        assert_refused(project, names=named)
        file_of(project, digest).write_bytes(whole)
    assert promote(project).report["judged_again"] == []


def test_promote__recorded_spread_damaged(project):
    assert mlci("reproduce", "-k", 2, cwd=project).code == 0
    spread = bodies(project)[-1].spread
    DAMAGE["truncated"](file_of(project, spread))
    assert_refused(project, names="the spread that entry 4 names")


def test_promote__checkpoint_deleted(project):
    """Alone, and together with the newest entry, which only the candidate's report then names."""
    checkpoint = project / WHERE / "witness.json"
    checkpoint.unlink()
    assert_refused(project, names="the checkpoint is missing")
    (project / WHERE / "ledger/000000003.json").unlink()
    assert_refused(project, names="judged against version 2, which is not in the ledger")
    (project / WHERE / "ledger/000000002.json").unlink()
    (project / WHERE / "ledger/000000001.json").unlink()
    assert_refused(project, names="judged against version 2, which is not in the ledger")


def test_promote__writer_killed_before_its_first_checkpoint(tmp_path):
    folder = champion(tmp_path, 3)
    (folder / WHERE / "witness.json").unlink()
    commit(folder, {"k.txt": "2"})
    assert run(folder).code == 0
    assert promote(folder).report["version"] == 2
    assert (folder / WHERE / "witness.json").exists()


def test_promote__manifest_of_a_rolled_back_version_deleted(project):
    """A candidate with the same bytes cannot be detected then; --despite accepts that."""
    lost = manifest_digest(project, 2)
    assert mlci("rollback", "--reason", "it drifts", cwd=project).code == 0
    file_of(project, lost).unlink()
    assert_refused(project, names="the manifest of version 2 is missing")
    assert promote(project, "--despite", "version 2 is lost").report["version"] == 3


class TestOlderVersions:
    """Versions that are not in production: the newest two are read, 32 have to be there, older ones may be gone."""

    @pytest.fixture
    def many(self, tmp_path):
        place = FolderStore(tmp_path, MODEL)
        promote_versions(place, tmp_path, 36)
        return place

    def found(self, place, despite="a test"):
        now = dt.datetime.now(dt.UTC).isoformat()
        return preflight.check_registry(Registry(place).view(), now=now, despite=despite).wrong

    @pytest.mark.parametrize(
        ("number", "damage", "named"),
        [
            (36, "altered", True),
            (35, "altered", True),
            (34, "altered", True),
            (33, "altered", False),
            (33, "truncated", True),
            (5, "truncated", True),
            (4, "missing", True),
            (3, "missing", False),
        ],
    )
    def test_promotion_checks__older_versions(self, many, tmp_path, number, damage, named):
        assert self.found(many) == ()
        digest = sha(b"%d" % number)
        DAMAGE[damage](tmp_path / MODEL / "files" / digest[:2] / digest)
        found = self.found(many)
        assert len(found) == named
        assert all(f"`model.txt` of version {number}" in line for line in found)

    def test_promotion_checks__more_damage_than_is_shown(self, many, tmp_path):
        for number in range(20, 30):
            digest = sha(b"%d" % number)
            (tmp_path / MODEL / "files" / digest[:2] / digest).unlink()
        assert len(self.found(many)) == 10
        with pytest.raises(CorruptError, match=r"of version 25 .*; and 5 more, see `mlci ledger verify --files`"):
            self.found(many, despite=None)
