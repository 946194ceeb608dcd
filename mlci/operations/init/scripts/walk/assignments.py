"""Assignments of a script: the values that its names get from expressions, its own functions, splits and batches."""

import ast
from dataclasses import replace
from pathlib import PurePosixPath

from mlci.operations.init.inventory import TABLES
from mlci.operations.init.scripts.batches import collected_list, evaluates_batches, unpacked_values
from mlci.operations.init.scripts.constants import constant_of
from mlci.operations.init.scripts.traced_values import READERS, by_name, trace
from mlci.operations.init.scripts.values import UNKNOWN, TracedValue, called_name, variable_of
from mlci.operations.init.scripts.walk.evaluation_points import PREDICTED, EvaluationPoints

_METHODS = {"fit", "predict", "predict_proba", "score", "transform", "fit_transform"}
"""Names that methods of libraries have, so that a call does not show that a module's function is called."""


class Assignments(EvaluationPoints):
    """Part of the walk that follows values from name to name."""

    def _opened(self, statement: ast.stmt) -> None:
        """Note the path of each file of a ``with open(…) as file``."""
        if not isinstance(statement, ast.With):
            return
        for item in statement.items:
            name = variable_of(item.optional_vars) if item.optional_vars else None
            if name and called_name(item.context_expr) == "open":
                self.names[name] = TracedValue(kind="constant", constant=self._opened_path(item.context_expr))

    def _assign(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self._bind(statement.target, statement.value, statement)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._bind(target, statement.value, statement)
        elif isinstance(statement, ast.For):
            for node in ast.walk(statement.target):
                if name := variable_of(node):
                    self.names[name] = UNKNOWN
        elif isinstance(statement, ast.Return) and statement.value is not None and self.function:
            self.functions.returned[self.function] = self._returned(statement.value)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            self._in_place(statement.value)
        if self.batches is not None and (found := collected_list(statement, self.names)) is not None:
            self.lists[found[0]] = self.names[found[0]] = found[1]

    def _returned(self, value: ast.expr) -> tuple[TracedValue, ...]:
        if isinstance(value, ast.Call) and called_name(value) == "train_test_split":
            return tuple(self._split(value, 2 * len(value.args)))
        items = value.elts if isinstance(value, ast.Tuple) else [value]
        return tuple(trace(item, self.names) for item in items)

    def _in_place(self, call: ast.Call) -> None:
        home = variable_of(call.func.value) if isinstance(call.func, ast.Attribute) else None
        in_place = any(item.arg == "inplace" and constant_of(item.value, self.names) is True for item in call.keywords)
        if home and in_place:
            self.names[home] = replace(trace(call, self.names), frame=None)

    def _bind(self, target: ast.expr, value: ast.expr, statement: ast.stmt) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Subscript):
            self._assign_column(target)
        elif name := variable_of(target):
            self.names[name] = self._value(name, value)
            self._pop(value, self.names[name].column)
            guessed = not self.epochs and self.names[name].kind not in {"predictions", "probabilities"}
            known = self.names[name].part == "test" or (guessed and self.names[name].part is None)
            if known and PREDICTED.search(name) and (labels := self._test_labels(None)):
                self._point("name", statement, labels, decision=name)

    def _pop(self, value: ast.expr, column: str | int | None) -> None:
        """Note that ``frame.pop(column)`` took a column out of its frame."""
        if called_name(value) != "pop" or not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            return
        home = variable_of(value.func.value)
        if home in self.names and isinstance(column, str):
            frame = self.names[home]
            self.names[home] = replace(frame, removed=frame.removed | {column})

    def _value(self, name: str, value: ast.expr) -> TracedValue:
        returned = self._results(value)
        if len(returned) == 1:
            return returned[0]
        found = trace(value, self.names)
        if found == UNKNOWN:
            return by_name(name)
        guess = by_name(name)
        if found.kind == "frame" and called_name(value) in READERS:
            return replace(found, part=guess.part or by_name(PurePosixPath(found.path or "").stem).part)
        if guess.part and isinstance(value, ast.Subscript):  # rows of a table whose file is called train.csv
            return replace(found, part=guess.part)
        return replace(found, part=guess.part) if found.part is None and found.kind in {"unknown", "array"} else found

    def _results(self, value: ast.expr) -> tuple[TracedValue, ...]:
        """Return what a function of the script returns; with the one file that this call names in place of another."""
        found = self.functions.returned.get(called_name(value), ())
        if not found or not isinstance(value, ast.Call) or not self._is_own(value):
            return ()
        if called_name(value) in self.functions.elsewhere:  # its variables are not those of this script
            found = tuple(replace(one, frame=None) for one in found)
        paths = [path for node in (*value.args, *(item.value for item in value.keywords))
                 if (path := self._path(node)) and path.lower().endswith(TABLES)]  # fmt: skip
        if len(paths) != 1:
            return found
        part = by_name(PurePosixPath(paths[0]).stem).part
        return tuple(
            replace(one, path=paths[0], part=part) if one.path not in {None, paths[0]} else one for one in found
        )

    def _is_own(self, call: ast.Call) -> bool:
        """Return whether a call of a name that another module of the repository defines is not one of a library."""
        if called_name(call) not in self.functions.elsewhere or isinstance(call.func, ast.Name):
            return True
        home = call.func
        while isinstance(home, ast.Attribute):
            home = home.value
        full = self.imported.get(home.id) if isinstance(home, ast.Name) else None
        if full is None:
            return called_name(call) not in _METHODS
        return full.partition(".")[0] in self.functions.packages

    def _unpack(self, targets: list[ast.expr], value: ast.expr) -> None:
        names = [variable_of(target) for target in targets]
        values = [by_name(name or "") for name in names]
        if isinstance(value, ast.Call) and called_name(value) == "train_test_split":
            values = self._split(value, len(targets)) or values
        elif isinstance(value, ast.Tuple) and len(value.elts) == len(targets):
            values = [self._value(name or "", item) for name, item in zip(names, value.elts, strict=True)]
        elif called_name(value) == "parse_known_args":
            values[0] = trace(value, self.names)
        elif len(returned := self._results(value)) == len(targets):
            values = [found if found != UNKNOWN else by_name(name or "")
                      for name, found in zip(names, returned, strict=True)]  # fmt: skip
        elif (self.batches or evaluates_batches(value)) and (whole := trace(value, self.names)).part is not None:
            values = unpacked_values(names, whole)
        for name, found in zip(names, values, strict=True):
            if name:
                self.names[name] = found

    def _split(self, call: ast.Call, wanted: int) -> list[TracedValue]:
        wholes = [self._whole(argument) for argument in call.args]
        if len(wholes) * 2 != wanted:
            return []
        parts: list[TracedValue] = []
        for whole in wholes:
            parts += [replace(whole, part="train", whole=whole), replace(whole, part="test", whole=whole)]
        return parts

    def _whole(self, node: ast.expr) -> TracedValue:
        value = trace(node, self.names)
        home = variable_of(node)
        return value if value.frame or value.kind != "frame" else replace(value, frame=home)

    def _assign_column(self, target: ast.Subscript) -> None:
        home = variable_of(target.value)
        frame = self.names.get(home or "")
        if home is None or frame is None or frame.kind != "frame":
            return
        column = constant_of(target.slice, self.names)
        names = column if isinstance(column, list) else [column]
        known = frozenset(name for name in names if isinstance(name, str))
        self.names[home] = replace(frame, changed=frame.changed | known, removed=frame.removed - known)
