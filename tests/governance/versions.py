"""Evidence of a version, built in memory around a report."""

from mlci.config.lifecycle.governance import Card
from mlci.governance.evidence import VersionEvidence
from mlci.registry.entries import Entry, LedgerState
from mlci.registry.entry_kinds import Actor, Promotion
from mlci.registry.manifest import Data, Environment, Manifest, Predictions, Recipe, VersionFile
from tests.support.report_cases import HOSTILE, hostile

DIGEST = "5d3f85c8c477682ea9e2d576f442b28b512425e7f1386f8f88548dacba2c014f"
RUN = "https://github.com/octo/models/actions/runs/7"


def stored(name, digest=DIGEST):
    return VersionFile(name=name, digest=digest, bytes=3)


def manifest(report, **changes):
    parts = {
        "version": 3,
        "model": report.model,
        "files": (stored("weights.bin"), stored("nested/vocabulary.txt", "0" * 64)),
        "predictions": Predictions(fingerprint="sha256:rows", file=stored("predictions.csv")),
        "report": stored("report.json", "1" * 64),
        "recipe": Recipe(
            commit="a" * 40, config_path="mlci.yml", config=stored("mlci.yml"), train="python train.py", seed=7
        ),
        "environment": Environment(python="3.13.1", platform="Linux", lock=(stored("requirements.txt", "2" * 64),)),
        "data": Data(fingerprint="sha256:rows", rows=380),
        "seconds": {"train": 61.2},
    }
    return Manifest(**{**parts, **changes})


def entry(body, number=5, **changes):
    parts = {
        "previous": "3" * 64,
        "at": "2026-05-01T10:00:00+00:00",
        "nonce": "n",
        "by": Actor(actor="ada", run=RUN, commit="a" * 40),
        "state": LedgerState(),
        "writer": "0.1.0",
    }
    return Entry(number=number, body=body, **{**parts, **changes})


def evidence(report, *, card=None, promotion=None, **changes):
    promoted = entry(promotion or Promotion(version=3, manifest=DIGEST, replaced=2))
    parts = {
        "manifest": manifest(report),
        "report": report,
        "promotion": promoted,
        "promotion_digest": "4" * 64,
        "decisions": (promoted,),
        "reproduction": None,
        "production": True,
        "rolled_back": None,
        "data": "data/holdout.csv",
        "card": card or Card(),
    }
    return VersionEvidence(**{**parts, **changes})


HOSTILE_CARD = Card(
    intended_use="\n".join(one for one in HOSTILE if one.strip()),
    owners=("@org/team", "<img src=x onerror=alert(1)>", "---", "yes"),
    risks=("---\nlicense: mit\n---", "{{ 7 * 7 }}{% raw %}", "| a | b |\n|---|---|"),
    license_link="javascript:alert(1)",
    tags=("a: b # c", "'\"\\", "\u2028\u202e", "null", "1:30", "*anchor", "!!python/object:os.system"),
)


def hostile_evidence():
    promotion = Promotion(version=3, manifest=DIGEST, replaced=2, note=HOSTILE[0] + "\n# heading | <b>")
    return evidence(hostile(), card=HOSTILE_CARD, promotion=promotion, data="<b>\n---\nlicense: mit")
