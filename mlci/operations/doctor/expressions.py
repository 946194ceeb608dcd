"""Expressions of GitHub Actions, `${{ … }}`: parsed, evaluated as far as values are known, and their references."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | float | bool | None
"""A known value."""
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>&&|\|\||[!=<>]=|[!<>()\[\],.*]))"
)
_WRITTEN = re.compile(r"\$\{\{((?:'[^']*'|(?!\}\}).)*)\}\}", re.DOTALL)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="))
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
ANY = "*"
"""An index that is computed, or `.*`."""


class Unknown:
    """A value that only a run has."""


UNKNOWN = Unknown()
"""The value that is not known."""


class ExpressionError(ValueError):
    """The text is not an expression."""


@dataclass(frozen=True)
class Literal:
    """A constant."""

    value: Value


@dataclass(frozen=True)
class ContextAccess:
    """A context and the names below it in lower case, as GitHub ignores case: ``("secrets", "aws")``.

    Attributes:
        path: The context, then names; :data:`ANY` for a computed one.
        indexes: Expressions that compute an index.
    """

    path: tuple[str, ...]
    indexes: tuple["Expression", ...] = ()


@dataclass(frozen=True)
class Operation:
    """An operator or a function with its operands.

    Attributes:
        name: Such as ``==``, ``!`` or, in lower case, ``contains``.
        operands: Its operands.
    """

    name: str
    operands: tuple["Expression", ...]


Expression = Literal | ContextAccess | Operation


def parse_expression(text: str) -> Expression:
    """Parse an expression without its braces.

    Raises:
        ExpressionError: if it is not valid.
    """
    parser = _Parser(list(_tokens(text)))
    found = parser.level(0)
    if parser.rest:
        raise ExpressionError(f"unexpected {parser.rest[0]}")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise ExpressionError(f"unexpected {text[position:]}")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


class _Parser:
    """Parser by recursive descent; ``rest`` are the tokens that are left."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens

    def level(self, depth: int) -> Expression:
        if depth == len(_LEVELS):
            return self.operand()
        found = self.level(depth + 1)
        while self.rest and self.rest[0] in {("sign", one) for one in _LEVELS[depth]}:
            found = Operation(self.take()[1], (found, self.level(depth + 1)))
        return found

    def operand(self) -> Expression:
        kind, written = self.take()
        if written == "!" and kind == "sign":
            return Operation("!", (self.operand(),))
        if written == "(" and kind == "sign":
            inner = self.level(0)
            self.expect(")")
            return self.below(inner)
        if kind == "text":
            return Literal(written[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal(float(int(written, 16)) if "0x" in written else float(written))
        if kind == "name":
            return self.named(written.lower())
        raise ExpressionError(f"unexpected {written}")

    def named(self, name: str) -> Expression:
        if self.accept("("):
            return self.below(Operation(name, tuple(self.arguments())))
        return Literal(_WORDS[name]) if name in _WORDS else self.below(ContextAccess((name,)))

    def arguments(self) -> Iterator[Expression]:
        while not self.accept(")"):
            yield self.level(0)
            if not self.accept(","):
                self.expect(")")
                return

    def below(self, owner: Expression) -> Expression:
        """Read the names after a context; those after a call or a parenthesis are computed from it."""
        path, indexes = (owner.path, owner.indexes) if isinstance(owner, ContextAccess) else (("",), (owner,))
        start = path
        while True:
            if self.accept("."):
                path = (*path, self.take()[1].lower())
            elif self.accept("["):
                index: Expression = Literal(ANY) if self.accept(ANY) else self.level(0)
                self.expect("]")
                known = isinstance(index, Literal)
                path = (*path, str(index.value).lower() if isinstance(index, Literal) else ANY)
                indexes = indexes if known else (*indexes, index)
            else:
                return owner if path is start else ContextAccess(path, indexes)

    def take(self) -> tuple[str, str]:
        if not self.rest:
            raise ExpressionError("unexpected end")
        return self.rest.pop(0)

    def accept(self, sign: str) -> bool:
        if self.rest and self.rest[0] == ("sign", sign):
            self.rest.pop(0)
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            raise ExpressionError(f"{sign} is missing")


def parts_of(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all of its parts."""
    yield expression
    inner = expression.operands if isinstance(expression, Operation) else ()
    for one in expression.indexes if isinstance(expression, ContextAccess) else inner:
        yield from parts_of(one)


def written_expressions(value: object, *, condition: bool = False) -> Iterator[str]:
    """Yield the expressions in a value of a workflow, also below it; an ``if`` needs no braces."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from written_expressions(one, condition=name == "if")
    elif isinstance(value, list):
        for one in value:
            yield from written_expressions(one)
    elif isinstance(value, str):
        found = _WRITTEN.findall(value)
        yield from found or ([value] if condition else [])


def find_references(value: object, context: str) -> list[str]:
    """Return the names that a value reads from a context: ``*`` for all of them, or for a computed one."""
    found: dict[str, None] = {}
    for written in written_expressions(value):
        try:
            parts = list(parts_of(parse_expression(written)))
        except ExpressionError:
            parts = [ContextAccess((context,))] if re.search(rf"\b{context}\b", written, re.IGNORECASE) else []
        accessed = (one.path for one in parts if isinstance(one, ContextAccess) and one.path[0] == context)
        found.update(dict.fromkeys(path[1] if len(path) > 1 else ANY for path in accessed))
    return list(found)


def called_functions(condition: object) -> set[str]:
    """Return the functions that an ``if`` calls."""
    return {one.name for one in _parts_of_condition(condition) if isinstance(one, Operation)}


def _parts_of_condition(condition: object) -> list[Expression]:
    parts: list[Expression] = []
    for written in written_expressions({"if": condition}):
        with contextlib.suppress(ExpressionError):
            parts += parts_of(parse_expression(written))
    return parts


Known = Mapping[tuple[str, ...], Value]
"""Values by path; a function without arguments is ``("always()",)``."""


def evaluate_condition(written: object, known: Known) -> bool | None:
    """Return whether an ``if`` or a flag such as ``continue-on-error`` holds; ``None`` if only a run can tell."""
    if not isinstance(written, str):
        return bool(written)
    whole = _WRITTEN.fullmatch(written.strip())
    if whole is None and "${{" in written:
        return None
    try:
        value = evaluate_expression(parse_expression(whole[1] if whole else written), known)
    except ExpressionError:
        return None
    return None if isinstance(value, Unknown) else bool(value)


def depends_on_run(condition: object, known: Known) -> bool:
    """Return whether an ``if`` reads a value that is not known, or files; False if it can't be parsed."""
    parts = _parts_of_condition(condition)
    read = [one for one in parts if isinstance(one, ContextAccess) and one.path not in known]
    return bool(read) or any(isinstance(one, Operation) and one.name == "hashfiles" for one in parts)


def evaluate_expression(expression: Expression, known: Known) -> Value | Unknown:
    """Return the value of an expression, as far as known values decide it."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, ContextAccess):
        return UNKNOWN if expression.indexes else known.get(expression.path, UNKNOWN)
    if not expression.operands:
        return known.get((f"{expression.name}()",), UNKNOWN)
    values = [evaluate_expression(one, known) for one in expression.operands]
    if expression.name in {"&&", "||"}:
        return _connected(expression.name, values[0], values[1])
    if any(isinstance(one, Unknown) for one in values):
        return UNKNOWN
    return _computed(expression.name, values)


def _connected(name: str, left: Value | Unknown, right: Value | Unknown) -> Value | Unknown:
    """Return the value of ``&&`` or ``||``, which one side can decide."""
    if not isinstance(left, Unknown):
        return left if bool(left) == (name == "||") else right
    decides = not isinstance(right, Unknown) and bool(right) == (name == "||")
    return bool(right) if decides else UNKNOWN


def _computed(name: str, values: list[Any]) -> Value | Unknown:
    if name == "!":
        return not values[0]
    texts = [one.lower() for one in values if isinstance(one, str)]
    both = len(texts) == len(values) == 2
    same_kind = len({type(one) for one in values}) == 1
    match name:
        case "==" | "!=" if same_kind:
            return ((texts[0] == texts[1]) if both else values[0] == values[1]) == (name == "==")
        case "startswith" if both:
            return texts[0].startswith(texts[1])
        case "endswith" if both:
            return texts[0].endswith(texts[1])
        case "contains" if both:
            return texts[1] in texts[0]
    return UNKNOWN
