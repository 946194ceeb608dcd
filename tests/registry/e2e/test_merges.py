"""Two merges at once: one order, each version judged against the one before, nothing lost."""

import json
import threading

import pytest

from mlci.registry import entries, ledger
from mlci.registry.entries import By, Promotion
from mlci.registry.ledger import Stamp
from tests.registry.lifecycle import (
    champion,
    manifest,
    promote,
)
from tests.usecases.project import commit, git, mlci, run


class TestTwoAtOnce:
    @pytest.mark.parametrize(("one", "two"), [(1, 1), (0, 2)])
    def test_they_end_in_one_order_and_nothing_is_lost(self, tmp_path, one, two):
        """Two merges, each judged against version 1; the later one is judged again, against the earlier."""
        root = champion(tmp_path / "one", 3, more=f"registry: {tmp_path}/shared\n")
        git(tmp_path, "clone", "--quiet", "one", "two")
        for name, k in (("one", one), ("two", two)):
            commit(tmp_path / name, {"k.txt": str(k), "name": name})
            assert run(tmp_path / name).code == 0
        ended = {}
        start = threading.Barrier(2)

        def go(name):
            from tests.registry.processes import cli  # noqa: PLC0415 - real processes

            start.wait()
            ended[name] = cli("promote", "--json", cwd=tmp_path / name)

        threads = [threading.Thread(target=go, args=(name,)) for name in ("one", "two")]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert {done.returncode for done in ended.values()} <= {0, 1}, [done.stderr for done in ended.values()]
        from mlci.registry.folder import FolderStore  # noqa: PLC0415

        seen = list(ledger.walk(FolderStore(tmp_path / "shared", "planted")))
        order = [entry.body for entry in seen if isinstance(entry.body, Promotion)]
        assert [(body.version, body.replaced) for body in order] == [
            (number + 1, number or None) for number in range(len(order))
        ]
        assert len(order) == 1 + [done.returncode for done in ended.values()].count(0)
        if (one, two) == (1, 1):
            assert len(order) == 3
        for number in range(2, len(order) + 1):
            shown_ = json.loads(mlci("show", number, "--json", cwd=root).out)["manifest"]
            path = tmp_path / "shared/planted/files" / shown_["report"]["digest"][:2] / shown_["report"]["digest"]
            assert json.loads(path.read_text())["baseline"]["version"] == str(number - 1)

    def test_others_that_are_always_faster(self, tmp_path, monkeypatch):
        commit(champion(tmp_path, 3), {"k.txt": "3", "x": ""})
        run(tmp_path)
        real = ledger.append
        stamp = Stamp(by=By(), now=lambda: "2026-01-01T00:00:00+00:00", nonce=lambda: "x")

        def overtaken(store_, _, decide):
            now = ledger.tail(store_).state
            content = {**manifest(tmp_path, now.versions), "version": now.versions + 1}
            path = tmp_path / "loose"
            path.write_bytes(
                entries.canonical(
                    {**content, "seconds": {"x": 1.0}, "recipe": {**content["recipe"], "seed": now.versions}}
                )
            )
            digest = entries.digest(path.read_bytes())
            store_.put(path, digest)
            body = Promotion(version=now.versions + 1, manifest=digest, replaced=now.champion)
            real(store_, stamp, lambda _: body)
            return real(store_, stamp, decide)

        monkeypatch.setattr("mlci.usecases.promote.ledger.append", overtaken)
        ended = promote(tmp_path)
        assert (ended.code, ended.out) == (4, "")
        assert "other promotions came first 20 times in a row" in ended.err
