"""The baseline: from a file, from another commit, or none. Never the candidate's own predictions."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from mlci.baseline.by_ref import Made, make_baseline
from mlci.baseline.worktree import Worktree
from mlci.config.load import Loaded, load
from mlci.config.models import Baseline, Config
from mlci.engine.interface import Source
from mlci.errors import InputError
from mlci.usecases import sides
from mlci.usecases.paths import located
from mlci.usecases.sides import Place, Side
from mlci.usecases.tools import Tools


def baseline(loaded: Loaded, tools: Tools, *, folder: Path, data: str) -> Side | None:
    """Return the baseline's predictions; ``None`` for ``baseline: none``.

    Args:
        loaded: The candidate's configuration.
        tools: Effects.
        folder: Folder of the configuration.
        data: The evaluation set; a baseline of another commit is scored on these rows.
    """
    config = loaded.config
    if not isinstance(config.baseline, Baseline):
        return None
    if config.baseline.file is not None:
        return _from_file(loaded, config.baseline, folder)
    return _from_ref(loaded, str(config.baseline.ref), tools, data=data)


def config_digest(config: Config) -> str:
    """Return a digest of what decides how predictions are made, for the cache."""
    evaluation = config.evaluation
    parts = {
        "train": config.train.model_dump(mode="json") if config.train else None,
        "predict": config.predict.model_dump(mode="json"),
        "columns": [evaluation.key, evaluation.label, evaluation.positive] if evaluation else None,
        "seed": config.policy.seed,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def own_config(loaded: Loaded, worktree: Worktree) -> Config:
    """Return what the worktree's commit says about training and predicting; the candidate's if it says nothing."""
    path = worktree.holds(Path(loaded.path).name)
    if path is None:
        return loaded.config
    try:
        own = load(path).config
    except InputError:
        return loaded.config
    # Rows, label, key and what counts as positive are the candidate's: both models answer for the same rows.
    return loaded.config.model_copy(update={"train": own.train, "predict": own.predict})


def _from_file(loaded: Loaded, chosen: Baseline, folder: Path) -> Side:
    predict = loaded.config.predict
    source = Source(
        path=located(str(chosen.file), folder),
        score=chosen.score or (None if chosen.decision else predict.score),
        decision=chosen.decision or (None if chosen.score else predict.decision),
    )
    own = Source(path=located(str(predict.file), folder), score=predict.score, decision=predict.decision)
    if source == own:
        why = "the candidate would be compared with itself: `baseline.file` and `predict.file` name the same columns"
        raise InputError(loaded.problem(f"{why}; name the production model's predictions", "baseline"))
    return Side(source=source, label=str(chosen.file))


def _from_ref(loaded: Loaded, ref: str, tools: Tools, *, data: str) -> Side:
    """Make the baseline in a worktree of its commit, or take it from the cache."""
    tools.say(f"baseline: {ref}")
    made = made_from_ref(
        loaded,
        ref,
        tools,
        evaluation=tools.fingerprint(data),
        make=lambda worktree, into: _facts(loaded, worktree, into, tools, data=data),
    )
    facts = made.facts
    source = Source(path=str(made.folder / facts["file"]), score=facts["score"], decision=facts["decision"])
    seconds = {} if made.cached else {"baseline": sum(facts["seconds"].values())}
    return Side(source=source, costs=facts["costs"], seconds=seconds, notes=made.notes, commit=made.commit, label=ref)


def made_from_ref(loaded: Loaded, ref: str, tools: Tools, *, evaluation: str, make: Any) -> Made:  # noqa: ANN401 (see baseline.by_ref.Make)
    """Return what ``make`` leaves in a worktree of the reference, from the cache where it was made before."""
    into = tools.scratch / "baseline"
    shutil.rmtree(into, ignore_errors=True)
    return make_baseline(
        tools.git,
        ref,
        make,
        into=into,
        config=config_digest(loaded.config),
        evaluation=evaluation,
        version=tools.version,
        cache=tools.cache,
    )


def _facts(loaded: Loaded, worktree: Worktree, into: Path, tools: Tools, *, data: str) -> dict[str, Any]:
    """Train and predict in the worktree, copy the predictions, and return what a cache needs to know of them."""
    place = Place(
        folder=worktree.folder,
        scratch=tools.scratch / "baseline-step",
        name="baseline ",
        environment=worktree.environment,
    )
    side = sides.make(own_config(loaded, worktree), place, tools, data=data)
    source = Path(side.source.path)
    if not any(source.resolve().is_relative_to(root.resolve()) for root in (worktree.root, tools.scratch)):
        raise InputError(
            f"the baseline would be read from {source}, outside of its commit, perhaps the candidate's own; "
            "give `predict.file` as a path inside the repository"
        )
    if not source.is_file():
        raise InputError(f"the baseline's {source.name} is not in its commit; let its steps write it")
    target = into / f"predictions{''.join(source.suffixes)}"
    shutil.copyfile(source, target)
    return {
        "file": target.name,
        "score": side.source.score,
        "decision": side.source.decision,
        "costs": dict(side.costs),
        "seconds": dict(side.seconds),
    }
