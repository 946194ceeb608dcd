"""Stage that scores a scikit-learn model saved with skops, and its checks of the file.

A file of another kind, or one that unpacks beyond bounds, is refused before it is opened. The model is loaded in a
child process, so that a model that crashes, hangs or fills the memory is a failed step. The child's answer
(:mod:`mlci.execution.skops_scorer`) is read as data.
"""

import importlib.util
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlci.errors import InputError, Problem, StepError
from mlci.execution import environment
from mlci.execution.interface import Runner, Step
from mlci.execution.stages import Stage, file_kind, prepare_step
from mlci.util.bounds import MODEL_BYTES, MODEL_MEMBERS, MODEL_SCHEMA_BYTES


@dataclass(frozen=True, kw_only=True)
class SkopsModel:
    """A model saved with skops, and the form of its predictions.

    Attributes:
        path: The file.
        shown: Its name in errors, as the user wrote it.
        task: The kind of model.
        key: Column to copy beside the predictions; ``None`` keeps only the rows' order.
        positive: Value of the label that counts as positive (binary); ``None`` means 1 or true.
        threshold: A probability at or above it decides for the positive class (binary).
        probabilities: Column to write for the probability of each class, by class (multiclass); ``None`` for none.
        trusted: Types that the file may contain beyond those that skops trusts by default.
        section: Other settings of ``predict`` in mlci.yml, for the remedy that replaces the section.
    """

    path: Path
    shown: str
    task: Literal["binary", "multiclass", "regression", "ranking"]
    key: str | None = None
    positive: bool | float | str | None = None
    threshold: float = 0.5
    probabilities: Mapping[str, str] | None = None
    trusted: tuple[str, ...] = ()
    section: Mapping[str, object] = field(default_factory=dict)


def check_ready(path: Path, shown: str, *, made_later: bool) -> None:
    """Check before training that scoring is possible: the packages, and the file unless training writes it.

    Raises:
        InputError: if a package or the file is missing; the message has all problems.
    """
    needed = {"skops": "skops", "sklearn": "scikit-learn", "pandas": "pandas"}
    absent = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    problems = []
    if absent:
        listed = ", ".join(absent)
        problems.append(Problem(f"scoring it needs {listed}, not installed here: `pip install 'mlci[model]'`", shown))
    if not made_later:
        try:
            require_skops(path, shown)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)


def score_skops(
    runner: Runner,
    model: SkopsModel,
    *,
    folder: Path,
    scratch: Path,
    features: Callable[[Path], Path],
    timeout: float = 3600,
    name: str = "predict",
) -> Stage:
    """Score the features and return a Parquet file of predictions.

    Binary: ``score`` is ``predict_proba`` of the positive class (``decision_function`` without it), and ``decision``
    follows from the threshold (from ``predict`` if the model has no probability). Multiclass: ``decision``, and the
    named columns of probabilities. Regression: ``score``. The stage names score and decision. Features are the columns
    that the model was fitted with (``feature_names_in_``).

    Args:
        runner: Runs the child.
        model: The model, and the form of its predictions.
        folder: Working folder, which may have modules of trusted types.
        scratch: Temporary folder; it is emptied first.
        features: Writes features (and the key) into a folder and returns the file.
        timeout: Seconds.
        name: Name of the step in logs and errors.

    Raises:
        InputError: if the file is not a skops file, holds untrusted types, or does not fit data or configuration.
        StepError: if loading or predicting crashed.
    """
    require_skops(model.path, model.shown)
    data, target = prepare_step(scratch, features)
    target = target.with_suffix(".parquet")
    request, result = scratch.resolve() / "request.json", scratch.resolve() / "result.json"
    asked = _request(model, folder) | {"features": str(data), "target": str(target), "result": str(result)}
    request.write_text(json.dumps(asked), "utf-8")
    command = environment.isolated_command("mlci.execution.skops_scorer", str(request))
    fix = f"`predict.model: {model.shown}` in mlci.yml, or score it yourself with `predict.run`"
    ran = runner.run(Step(name=name, command=command, cwd=folder, timeout=timeout, fix=fix))
    answer = _read_answer(result, model, name)
    return Stage(
        ran=ran,
        seconds=float(answer["seconds"]),
        output=target,
        score=answer["score"],
        decision=answer["decision"],
        notes=tuple(answer["notes"]),
    )


def _request(model: SkopsModel, folder: Path) -> dict[str, object]:
    return {**asdict(model), "path": str(model.path.absolute()), "folder": str(folder.absolute())}


def _read_answer(result: Path, model: SkopsModel, name: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(result.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StepError(f"{name} ended well but left no result for {model.shown}") from error
    if "problems" in answer:
        raise InputError(*(Problem(str(text), model.shown) for text in answer["problems"]))
    return answer


MOST_MEMBERS = MODEL_MEMBERS.value


UNPACKED_LIMIT = MODEL_BYTES.value
"""Most bytes of an unpacked model, the same limit as for tables."""


SCHEMA_LIMIT = MODEL_SCHEMA_BYTES.value


def require_skops(path: Path, shown: str) -> None:
    """Check that a file is a skops file before it is opened.

    Raises:
        InputError: if it does not exist or is another kind of file; the message shows how to save the model.
    """
    if not path.is_file():
        raise InputError(Problem("the file does not exist; `predict.model` names a model saved with skops", shown))
    kind = file_kind(path)
    if kind == "a zip archive":
        kind = _archive_kind(path)
    if kind != "skops":
        what = f"this is {kind}, not a model saved with skops"
        why = "; loading it could run any code inside" if kind in _RUN_CODE else ""
        fix = "save it with `skops.io.dump(model, path)`, or score it yourself with `predict.run`"
        raise InputError(Problem(f"{what}{why}: {fix}", shown))


_RUN_CODE = (
    "a pickle",
    "a PyTorch archive with a pickle",
    "zlib data (as joblib writes)",
    "gzip",
    "bzip2",
    "xz",
    "lz4",
)


def _unpacked_beyond_bounds(archive: zipfile.ZipFile) -> str | None:
    """Return the limit that an archive's members exceed; never reads more bytes than a member declares."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        return f"an archive of more than {MOST_MEMBERS:,} files"
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        return f"an archive of more than {UNPACKED_LIMIT:,} bytes when it is unpacked"
    if any(member.file_size > SCHEMA_LIMIT for member in members if member.filename == "schema.json"):
        return f"a skops file with a schema.json of more than {SCHEMA_LIMIT:,} bytes"
    return None


def _archive_kind(path: Path) -> str:
    """Return the kind of an archive by the names inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if too_large := _unpacked_beyond_bounds(archive):
                return too_large
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return "a damaged zip archive"
    if "schema.json" in names:
        return "skops"
    if any(name.endswith(".pkl") for name in names):
        return "a PyTorch archive with a pickle"
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive"
    return "a zip archive without schema.json"
