"""Files that shards write: a heading of facts, checked before anything is added up, and the counted numbers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlci.engine.shards.split import Shard
from mlci.errors import InputError, Problem

Round = Literal["survey", "sums"]
_MAGIC = b"mlci shard 1\n"
_LENGTH = 8
MOST_HEADING = 1 << 20
_Text = Annotated[str, Field(max_length=100_000)]
_WRITE_AGAIN = "write all shards again, from one commit, with one configuration, and one version of mlci"


class ScoreFacts(BaseModel):
    """Column of a model's scores, for the notes of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: _Text
    name: _Text
    decided: bool


class ShardHeading(BaseModel):
    """Facts about a shard; all but number and rows are equal in all files of one evaluation.

    Attributes:
        round: ``survey`` of the scores, or ``sums``.
        number, count: The shard.
        version: Version of mlci, and of DuckDB, whose hashes split the rows.
        configuration: Digest of the configuration and of what it asks for.
        commit: Commit of the checkout; ``None`` outside of git.
        content: Digest of the columns that are read, of each table.
        surveys: Digest of all surveys; empty in the first round.
        fingerprint, former_fingerprint: Fingerprint of the evaluation set, and that of an older scheme, which the first
            shard takes; empty in the others.
        rows: Rows in the shard.
        total: Rows of the evaluation set.
        notes: Lines for the report.
        scores: Columns of scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    round: Round
    number: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=1)]
    version: _Text
    configuration: _Text
    commit: _Text | None
    content: tuple[_Text, ...]
    surveys: _Text = ""
    fingerprint: _Text = ""
    former_fingerprint: _Text | None = None
    rows: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]
    notes: tuple[_Text, ...] = ()
    scores: tuple[ScoreFacts | None, ...] = ()

    @property
    def shard(self) -> Shard:
        """The shard."""
        return Shard(self.number, self.count)


class ShardFile(BaseModel):
    """A heading with its numbers, and the file that they are from."""

    model_config = ConfigDict(frozen=True)

    heading: ShardHeading
    parts: tuple[bytes, ...]
    path: str = ""


def shard_file_name(round_: Round, shard: Shard) -> str:
    """Return the name of a shard's file."""
    return f"{round_}-{shard.number}-of-{shard.count}.mlci"


def write_shard(heading: ShardHeading, parts: Iterable[bytes]) -> bytes:
    """Return the bytes of a file."""
    head = heading.model_dump_json().encode()
    pieces = [head, *parts]
    return _MAGIC + b"".join(len(one).to_bytes(_LENGTH, "big") + one for one in pieces)


def parse_shard_file(data: bytes, *, path: str) -> ShardFile:
    """Read a file, believing nothing.

    Raises:
        InputError: if it is not one, or damaged.
    """
    if not data.startswith(_MAGIC):
        raise InputError(Problem("is not a file of `mlci evaluate --shard` of this version", path))
    pieces: list[bytes] = []
    at = len(_MAGIC)
    while at < len(data):
        size, at = int.from_bytes(data[at : at + _LENGTH], "big"), at + _LENGTH
        if size > len(data) - at or (not pieces and size > MOST_HEADING):
            raise InputError(Problem("is damaged or incomplete; write the shard again", path))
        pieces.append(data[at : at + size])
        at += size
    try:
        heading = ShardHeading.model_validate_json(pieces[0] if pieces else b"", strict=True)
    except ValidationError:
        raise InputError(Problem("has a heading that mlci did not write; write the shard again", path)) from None
    return ShardFile(heading=heading, parts=tuple(pieces[1:]), path=path)


_SAME: tuple[tuple[str, Callable[[ShardHeading], object], str], ...] = (
    ("version", lambda one: one.version, "of another version of mlci or DuckDB"),
    ("count", lambda one: one.count, "of another number of shards"),
    ("commit", lambda one: one.commit, "of another commit"),
    ("configuration", lambda one: one.configuration, "of another configuration"),
    ("content", lambda one: (one.content, one.total), "of other data"),
    ("surveys", lambda one: one.surveys, "based on other surveys"),
    ("notes", lambda one: (one.notes, one.scores), "of other tables"),
)


def check_complete(files: Sequence[ShardFile], round_: Round) -> list[ShardFile]:
    """Return the files of all shards in their order.

    Raises:
        InputError: if one is missing, there twice, of another round, or does not belong to the others; each is named.
    """
    wrong = [Problem(f"is a file of the round `{one.heading.round}`, not `{round_}`", one.path) for one in files]
    wrong = [problem for problem, one in zip(wrong, files, strict=True) if one.heading.round != round_]
    if wrong or not files:
        raise InputError.of(
            wrong or [Problem(f"the files of the round `{round_}` are missing: pass the folder with all of them", None)]
        )
    first = files[0]
    wrong = [
        Problem(f"is {words} than {first.path}; {_WRITE_AGAIN}", one.path)
        for one in files[1:]
        for _, value, words in _SAME
        if value(one.heading) != value(first.heading)
    ]
    by_number: dict[int, list[ShardFile]] = {}
    for one in files:
        by_number.setdefault(one.heading.number, []).append(one)
    for number, ones in sorted(by_number.items()):
        wrong += [
            Problem(f"is shard {number}, which {ones[0].path} is, too; pass each shard once", one.path)
            for one in ones[1:]
        ]
    missing = [number for number in range(1, first.heading.count + 1) if number not in by_number]
    if missing and not wrong:
        listed = ", ".join(str(Shard(number, first.heading.count)) for number in missing[:10])
        wrong.append(
            Problem(f"shard {listed} is missing from the round `{round_}`; run its job, and download its artifact")
        )
    if wrong:
        raise InputError.of(wrong)
    return [by_number[number][0] for number in sorted(by_number)]
