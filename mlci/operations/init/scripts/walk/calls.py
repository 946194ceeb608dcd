"""Calls of a script: what it reads, splits, seeds, loads and saves, and what its own functions are passed."""

import ast

from mlci.operations.init.scripts.constants import constant_of, declared_argument
from mlci.operations.init.scripts.script_facts import SavedFile, UnseededCall
from mlci.operations.init.scripts.shuffles import UnseededShuffle, full_name
from mlci.operations.init.scripts.traced_values import READERS, trace
from mlci.operations.init.scripts.values import UNKNOWN, TracedValue, called_name, variable_of
from mlci.operations.init.scripts.walk.assignments import Assignments
from mlci.operations.init.scripts.written_files import find_written

_LOSSES_OF_TWO_CLASSES = {
    "BCELoss",
    "BCEWithLogitsLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
}


class Calls(Assignments):
    """Part of the walk that looks at each call."""

    def _call(self, call: ast.Call, statement: ast.stmt) -> None:
        name = called_name(call)
        traced = trace(call, self.names)
        if (name in READERS or (traced.path or "").startswith("sklearn:")) and traced.path not in self.facts.reads:
            self.facts.reads += [traced.path] if traced.path else []
        if (declared := declared_argument(call, self.names)) is not None:
            self.functions.options[declared[0]] = declared[1]
        if name in self.functions.definitions and self._is_own(call):
            self._passed(call, self.functions.definitions[name])
            if name in self.functions.elsewhere:
                self._hands_over(call, statement)
        if name == "train_test_split":
            self.facts.splits.append(call)
            given = {item.arg or "": constant_of(item.value, self.names) for item in call.keywords}
            self.facts.sizes.append({name: float(size) for name, size in given.items()
                                     if isinstance(size, int | float) and name.endswith("_size")})  # fmt: skip
        if name in _LOSSES_OF_TWO_CLASSES:
            self.facts.binary = True
        if name == "DataLoader":
            self._loader(call)
        if name == "train_test_split" or self._takes_seed(call, name):
            self._seed(call, name)
        if name == "fit" and isinstance(call.func, ast.Attribute):
            self._fit(call, statement)
        self._saves(call, name)
        self._loads(call, name)
        self._evaluates(call, name, statement)

    def _loader(self, call: ast.Call) -> None:
        shuffled = any(item.arg == "shuffle" and constant_of(item.value, self.names) is True for item in call.keywords)
        if shuffled and trace(call, self.names).part == "test":
            what = "shuffles the rows of the test part"
            self.facts.shuffles.append(UnseededShuffle(line=call.lineno, what=what, remedy="write shuffle=False"))

    def _takes_seed(self, call: ast.Call, name: str) -> bool:
        """Return whether a call chooses or orders rows and has a ``random_state``, other than ``train_test_split``."""
        if name == "sample" and isinstance(call.func, ast.Attribute):
            named = {item.arg for item in call.keywords}
            return (
                "frac" in named
                or ("n" in named and self._reads_pandas_only())
                or trace(call.func.value, self.names).kind in {"frame", "series"}
            )
        if not name.endswith(("shuffle", "ShuffleSplit")):
            return False
        full = full_name(call, self.imported)
        return full == "sklearn.utils.shuffle" or (full.startswith("sklearn.") and full.endswith("ShuffleSplit"))

    def _reads_pandas_only(self) -> bool:
        """Return whether a ``sample(n=…)`` is that of pandas; that of Polars has ``seed`` in place of a state."""
        modules = {name.partition(".")[0] for name in self.imported.values()}
        return "pandas" in modules and "polars" not in modules

    def _seed(self, call: ast.Call, name: str) -> None:
        given = {item.arg: item.value for item in call.keywords}
        seed = given.get("random_state")
        fixed = seed is not None and not (isinstance(seed, ast.Constant) and seed.value is None)
        ordered = constant_of(given.get("shuffle"), self.names) is False
        if not (fixed or ordered or None in given):
            self.facts.unseeded.append(UnseededCall(node=call, name=name))

    def _passed(self, call: ast.Call, function: ast.FunctionDef) -> None:
        known = self.functions.arguments.setdefault(function.name, {})
        if self.epochs:
            self.functions.repeated.add(function.name)
        if self.loops:
            self.functions.looped.add(function.name)
        parameters = [item.arg for item in function.args.args if item.arg != "self"]
        pairs = [(name, trace(node, self.names)) for name, node in zip(parameters, call.args, strict=False)]
        pairs += [(item.arg, trace(item.value, self.names)) for item in call.keywords if item.arg]
        spread = [constant_of(item.value, self.names) for item in call.keywords if item.arg is None]
        pairs += [(str(name), TracedValue(kind="constant", constant=value))
                  for entries in spread if isinstance(entries, dict) for name, value in entries.items()]  # fmt: skip
        for name, value in pairs:
            if name in known and known[name].path is None and value.path and known[name].part == value.part:
                known[name] = value  # a later pass knows the file
            if value != UNKNOWN and known.setdefault(name, value).part != value.part:
                self.functions.looped.add(function.name)  # called for several parts: each call would overwrite

    def _loads(self, call: ast.Call, name: str) -> None:
        home = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name in {"load", "load_model"} and call.args and home not in {"np", "numpy", "json", "yaml"}:
            path = self._opened_path(call.args[0])
            self.facts.loads += [path] if path else []

    def _saves(self, call: ast.Call, name: str) -> None:
        home = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name == "dump" and len(call.args) > 1:
            path = self._opened_path(call.args[1])
            saved = SavedFile(path=path, variable=variable_of(call.args[0]), writer=home or name, line=call.lineno)
            (self.facts.metrics if home in {"json", "yaml"} else self.facts.saved).append(saved)
        elif name in {"save", "save_model"} and call.args and home:
            torch = home == "torch" and len(call.args) > 1
            path = self._path(call.args[1 if torch else 0])
            saved = SavedFile(path=path, variable=home, writer=home if torch else name, line=call.lineno)
            self.facts.saved += [] if home in {"np", "numpy", "plt"} else [saved]
        elif (written := find_written(call, self._path)) is not None:
            kind, path = written
            saved = SavedFile(path=path, variable=home, writer=name, line=call.lineno)
            (self.facts.tables if kind == "table" else self.facts.metrics).append(saved)
