"""Walk over the syntax tree of a training script that collects its facts.

The tree is walked in the order of execution, three times, so that what functions get and return is known to their
callers. Nothing of the script is run.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from mlci.operations.init.columns import KEY_NAME
from mlci.operations.init.inventory import TABLES
from mlci.operations.init.scripts.batches import (
    as_list,
    batch_values,
    collected_list,
    comparisons,
    evaluates_batches,
    is_epoch_loop,
    unpacked_values,
)
from mlci.operations.init.scripts.command_line import (
    Surroundings,
    does_something,
    find_argument,
    imported_modules,
    parse_script,
    reaches_line,
)
from mlci.operations.init.scripts.constants import (
    ARGUMENTS,
    PARAMETERS,
    constant_of,
    declared_argument,
    parameter_defaults,
)
from mlci.operations.init.scripts.losses import compared_by_loss
from mlci.operations.init.scripts.script_facts import (
    DECISION_METRICS,
    REGRESSION_METRICS,
    SCORE_METRICS,
    EvaluationPoint,
    Evidence,
    SavedFile,
    ScriptFacts,
    UnseededCall,
)
from mlci.operations.init.scripts.shuffles import UnseededShuffle, find_shuffles, full_name, imported_names
from mlci.operations.init.scripts.traced_values import READERS, by_name, is_label_name, trace
from mlci.operations.init.scripts.values import UNKNOWN, TracedValue, called_name, variable_of
from mlci.operations.init.scripts.written_files import find_written, opened_path

_OF_TWO_CLASSES = {
    "f1_score",
    "precision_score",
    "recall_score",
    "roc_auc_score",
    "average_precision_score",
    "roc_curve",
}
"""Metrics that, called without more arguments, need the labels 0 and 1."""
_LOSSES_OF_TWO_CLASSES = {
    "BCELoss",
    "BCEWithLogitsLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
}
_PREDICTED = re.compile(r"^(y_?|test_?)?(pred(s|icted|ictions?)?|hat)(_?test)?$", re.IGNORECASE)
_PASSES = 3
_METHODS = {"fit", "predict", "predict_proba", "score", "transform", "fit_transform"}
"""Names that methods of libraries have, so that a call does not show that a module's function is called."""


def read_script(path: str, text: str, around: Surroundings | None = None) -> ScriptFacts | None:
    """Return what a script does, its own modules included; ``None`` if it is not Python.

    Args:
        path: Path of the script in the repository.
        text: Its text.
        around: What it may import and read; nothing if omitted.
    """
    tree, around = parse_script(text), around or Surroundings()
    if tree is None:
        return None
    known = _Functions(parameters=around.parameters)
    modules = around.reached(path, tree)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    facts = ScriptFacts(path=path, text=text)
    for _ in range(_PASSES if not modules else _PASSES + 2):
        before = known.snapshot()
        facts = ScriptFacts(
            path=path, text=text, pandas=_module_name(tree, "pandas"), numpy=_module_name(tree, "numpy")
        )
        elsewhere = [_read_module(name, around.texts[name], one, known, own) for name, one in modules.items()]
        _Walk(facts, known, imported_names(tree)).module(tree)
        if known.snapshot() == before:  # another walk would find the same
            break
    for one in elsewhere:
        facts.reads += [name for name in one.reads if name not in facts.reads]
        facts.sizes += one.sizes
        facts.shuffles += [_shuffled(tree, one, call) for call in one.unseeded]
    facts.shuffles += find_shuffles(tree, facts.splits)
    facts.imports, facts.arguments = imported_modules(tree), find_argument(tree)
    reached = [reaches_line(tree, point.statement.lineno) for point in facts.points]
    facts.modules, facts.does_something = frozenset(modules), does_something(tree) and (not reached or any(reached))
    return facts


def _read_module(path: str, text: str, tree: ast.Module, known: "_Functions", own: set[str]) -> ScriptFacts:
    """Return what a module of the repository does, and note what its functions get and return.

    Functions that the script itself defines are left out.
    """
    facts = ScriptFacts(path=path, text=text)
    walk = _Walk(facts, known, imported_names(tree))
    walk.module(tree, without=own)
    known.elsewhere |= {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)} - own
    known.packages |= set(PurePosixPath(path).with_suffix("").parts)
    return facts


def _shuffled(tree: ast.Module, module: ScriptFacts, call: UnseededCall) -> UnseededShuffle:
    """Return the note about a call in a module that chooses rows without a seed, at the line that imports."""
    stem = PurePosixPath(module.path).stem
    lines = (
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and stem in ast.unparse(node)
    )
    what = f"imports {module.path}, where line {call.node.lineno} calls {call.name} without a seed"
    return UnseededShuffle(line=min(lines, default=1), what=what, remedy="write random_state=42 there")


def _module_name(tree: ast.Module, module: str) -> str | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == module:
                    return alias.asname or module
    return None


@dataclass
class _Functions:
    """Values that functions of the script get and return, by name."""

    arguments: dict[str, dict[str, TracedValue]] = field(default_factory=dict)
    returned: dict[str, tuple[TracedValue, ...]] = field(default_factory=dict)
    definitions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    looped: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)

    def snapshot(self) -> tuple[object, ...]:
        """Return what a walk may change, to compare two of them."""
        arguments = {name: dict(values) for name, values in self.arguments.items()}
        return arguments, dict(self.returned), dict(self.options), set(self.looped), set(self.repeated)


class _Walk:
    """One walk over a tree that collects its facts."""

    def __init__(self, facts: ScriptFacts, functions: _Functions, imported: dict[str, str]) -> None:
        self.facts, self.functions, self.imported = facts, functions, imported
        self.names = {
            ARGUMENTS: TracedValue(kind="constant", constant=functions.options),
            PARAMETERS: TracedValue(kind="constant", constant=functions.parameters),
        }
        self.lines_of_text = re.split(r"\r\n|\r|\n", facts.text)
        self.loops = self.epochs = 0
        self.batches: ast.stmt | None = None
        self.function: str | None = None
        self.parameters: set[str] = set()
        self.own: set[str] = set()
        self.lists: dict[str, TracedValue] = {}

    def module(self, tree: ast.Module, without: AbstractSet[str] = frozenset()) -> None:
        """Walk the module, then each function, apart from some, with the names of the module."""
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name not in without]
        for node in functions:
            self.functions.definitions[node.name] = node
        self.block(tree.body)
        shared = dict(self.names)
        for node in functions:
            if node.name not in without:
                self.names = shared
                self.names = {**shared, **self._parameters(node)}
                self.function, self.loops = node.name, int(node.name in self.functions.looped)
                self.epochs = int(node.name in self.functions.repeated)
                self.parameters = {item.arg for item in node.args.args} - {"self"}
                self.own = {
                    name
                    for item in ast.walk(node)
                    if isinstance(item, ast.Name | ast.Attribute)
                    and isinstance(item.ctx, ast.Store)
                    and (name := variable_of(item))
                }
                self.block(node.body)
                shared |= {name: value for name, value in self.names.items() if name.startswith("self.")}

    def _parameters(self, node: ast.FunctionDef) -> dict[str, TracedValue]:
        known = self.functions.arguments.get(node.name, {})
        defaults = {name: TracedValue(kind="constant", constant=value)
                    for name, value in parameter_defaults(node, self.names).items()}  # fmt: skip
        arguments = [*node.args.args, *node.args.kwonlyargs]
        return {item.arg: known.get(item.arg) or defaults.get(item.arg) or by_name(item.arg) for item in arguments}

    def block(self, statements: list[ast.stmt]) -> None:
        """Walk the statements of one block."""
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue  # functions, also those of classes, are walked after the module
            blocks = _blocks(statement)
            self._opened(statement)
            for call in _own_calls(statement):
                self._call(call, statement)
            self._compares(statement)
            self._assign(statement)
            loop = isinstance(statement, ast.For | ast.While | ast.AsyncFor)
            if loop and self.batches is None and (values := batch_values(statement, self.names)) is not None:
                self._batches(statement, values)
                continue
            epochs = is_epoch_loop(statement)
            self.loops += loop and not epochs
            self.epochs += epochs
            for block in blocks:
                self.block(block)
            self.loops -= loop and not epochs
            self.epochs -= epochs

    def _batches(self, statement: ast.stmt, values: dict[str, TracedValue]) -> None:
        """Walk a loop over batches; after it, only lists that it fills hold more than the last batch."""
        before, self.batches, self.lists = dict(self.names), statement, {}
        self.names |= values
        for block in _blocks(statement):
            self.block(block)
        self.batches, self.names = None, before | self.lists

    def _opened(self, statement: ast.stmt) -> None:
        """Note the path of each file of a ``with open(…) as file``."""
        if not isinstance(statement, ast.With):
            return
        for item in statement.items:
            name = variable_of(item.optional_vars) if item.optional_vars else None
            if name and called_name(item.context_expr) == "open":
                self.names[name] = TracedValue(kind="constant", constant=self._opened_path(item.context_expr))

    def _opened_path(self, node: ast.AST | None) -> str | None:
        if isinstance(node, ast.Call) and called_name(node) == "open":
            return opened_path(node, self._path)
        return self._path(node)

    def _path(self, node: ast.AST | None) -> str | None:
        found = constant_of(node, self.names)
        return found if isinstance(found, str) and found else None

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
            if known and _PREDICTED.search(name) and (labels := self._test_labels(None)):
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

    def _hands_over(self, call: ast.Call, statement: ast.stmt) -> None:
        """Note a point where a model and the test part are passed to a function of another module, to be evaluated."""
        nodes = [*call.args, *(item.value for item in call.keywords)]
        given = {name: self.names[name] for node in nodes if (name := variable_of(node)) in self.names and name}
        models = [name for name, value in given.items() if value.kind == "model"]
        tested = {name: value for name, value in given.items() if value.part == "test" and name not in models}
        labels = [name for name, value in tested.items() if self._is_label(name, value)]
        features = [name for name, value in tested.items() if name not in labels and value.kind != "predictions"]
        if models and labels and features:
            model, rows = models[0], features[0]
            self._point("predict", statement, (labels[0], tested[labels[0]]), features=rows, model=model,
                        estimator=given[model].estimator, decision=f"{model}.predict({rows})")  # fmt: skip

    def _fit(self, call: ast.Call, statement: ast.stmt) -> None:
        if not isinstance(call.func, ast.Attribute):
            return
        model = trace(call.func.value, self.names)
        home = variable_of(call.func.value)
        if model.kind not in {"model", "unknown"} or (model.kind == "unknown" and len(call.args) < 2):
            return
        if home and model.kind == "unknown":
            self.names[home] = TracedValue(kind="model", line=call.lineno)
        self.facts.fits[call.lineno] = model.estimator
        variable = home
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            variable = variable_of(statement.targets[0]) or home
        self._trains(call, statement, variable, model.estimator)
        labels, features = self._test_labels(None), self._test_features()
        if variable and labels and features and not self._is_seen(call, labels[1]):
            self._point("fit", statement, labels, features=features, model=variable, estimator=model.estimator,
                        decision=f"{variable}.predict({features})")  # fmt: skip

    def _is_seen(self, call: ast.Call, labels: TracedValue) -> bool:
        """Return whether a model is fitted on rows that may have the test part among them."""
        fitted = trace(call.args[1], self.names) if len(call.args) > 1 else None
        return fitted is not None and fitted.part is None and fitted.path in {None, labels.path}

    def _trains(self, call: ast.Call, statement: ast.stmt, model: str | None, estimator: str | None) -> None:
        """Note the features and labels that a model is fitted on."""
        keywords = {item.arg: item.value for item in call.keywords}
        features = call.args[0] if call.args else keywords.get("X")
        labels = call.args[1] if len(call.args) > 1 else keywords.get("y")
        if features is None or labels is None:
            return
        point = EvaluationPoint(statement=statement, evidence="training", names=dict(self.names),
                                labels=self._text(labels), label_value=trace(labels, self.names),
                                features=self._text(features), model=model, estimator=estimator)  # fmt: skip
        self.facts.trainings.append(point)

    def _test_features(self) -> str | None:
        found = [name for name, value in self.names.items()
                 if value.part == "test" and not self._is_label(name, value) and not _PREDICTED.search(name)
                 and value.kind not in {"predictions", "probabilities"}]  # fmt: skip
        return found[-1] if found else None

    def _is_label(self, name: str, value: TracedValue) -> bool:
        named = is_label_name(name) and not _PREDICTED.search(name)
        if value.kind == "frame" and not named:
            return False  # `df[["age"]]` may be the only feature
        scores = value.column == "score" and value.path is None  # of a model
        selected = value.column is not None and value.equals is None  # `test["sex"] == "f"` may be a filter
        key = isinstance(value.column, str) and KEY_NAME.search(value.column)
        selected = selected and not key and not _PREDICTED.search(name)
        return (selected and not scores) or (named and value.kind != "frame")

    def _test_labels(self, features: TracedValue | None) -> tuple[str, TracedValue] | None:
        named = [(name, value) for name, value in self.names.items()
                 if value.part == "test" and self._is_label(name, value) and value.kind != "predictions"]  # fmt: skip
        if named:
            return named[-1]
        if features is not None and features.frame in self.names and len(features.removed) == 1:
            column = next(iter(features.removed))
            whole = self.names[str(features.frame)]
            return f"{features.frame}[{column!r}]", replace(whole, kind="series", column=column, frame=features.frame)
        return None

    def _evaluates(self, call: ast.Call, name: str, statement: ast.stmt) -> None:
        keywords = {item.arg: item.value for item in call.keywords}
        if name in _OF_TWO_CLASSES and not {"average", "multi_class", "pos_label"} & set(keywords):
            self.facts.binary = True
        if name in DECISION_METRICS | SCORE_METRICS | REGRESSION_METRICS:
            labels = call.args[0] if call.args else keywords.get("y_true")
            predicted = call.args[1] if len(call.args) > 1 else keywords.get("y_pred") or keywords.get("y_score")
            if labels is not None and predicted is not None:
                self._metric(name, labels, predicted, statement)
        elif (by_loss := compared_by_loss(call, self.names)) is not None:
            self._loss(by_loss, statement)
        elif name == "score" and len(call.args) == 2 and isinstance(call.func, ast.Attribute):
            self._scored(call, statement)
        elif name in {"predict", "predict_proba"} and isinstance(call.func, ast.Attribute) and call.args:
            features = trace(call.args[0], self.names)
            found = self._test_labels(features) if features.part == "test" else None
            model = trace(call.func.value, self.names)
            if found and model.kind in {"model", "unknown"}:
                text, home = self._text(call.args[0]), ast.unparse(call.func.value)
                self._point("predict", statement, found, features=text, decision=f"{home}.predict({text})",
                            model=variable_of(call.func.value), estimator=model.estimator)  # fmt: skip

    def _scored(self, call: ast.Call, statement: ast.stmt) -> None:
        features, labels = call.args
        model = trace(call.func.value, self.names) if isinstance(call.func, ast.Attribute) else UNKNOWN
        value = trace(labels, self.names)
        if not isinstance(call.func, ast.Attribute) or model.kind not in {"model", "unknown"} or value.part != "test":
            return
        text, home = self._text(features), ast.unparse(call.func.value)
        self._point("score", statement, (self._text(labels), value), features=text, model=variable_of(call.func.value),
                    estimator=model.estimator, decision=f"{home}.predict({text})")  # fmt: skip

    def _metric(self, name: str, labels: ast.expr, predicted: ast.expr, statement: ast.stmt) -> None:
        value, found = trace(labels, self.names), trace(predicted, self.names)
        if "train" in {value.part, found.part} or (value.part is None and found.part is None):
            return
        scored = name in SCORE_METRICS or found.column == "score"
        text = self._flat(predicted, found)
        self._point("metric", statement, (self._flat(labels, value), value), features=found.source, model=found.model,
                    estimator=found.estimator, decision=None if scored else text, score=text if scored else None,
                    metric=name)  # fmt: skip

    def _flat(self, node: ast.expr, value: TracedValue) -> str:
        """Return an expression as the script has it; in a script of PyTorch, one of one dimension."""
        tensor = value.kind == "unknown" and "torch" in {name.partition(".")[0] for name in self.imported.values()}
        return f"{self.facts.numpy or 'numpy'}.ravel({self._text(node)})" if tensor else self._text(node)

    def _compares(self, statement: ast.stmt) -> None:
        """Note a point where decisions are compared with labels, to count the right ones."""
        for *sides, error in comparisons(statement):
            labelled = [node for node in sides if self._holds_labels(node)]
            if len(labelled) != 1:
                continue
            labels = labelled[0]
            decided = sides[0] if labels is sides[1] else sides[1]
            value, found = trace(labels, self.names), trace(decided, self.names)
            if isinstance(decided, ast.Constant) or "test" not in {value.part, found.part}:
                continue
            if "train" in {value.part, found.part}:
                continue
            texts = [self._listed(labels, value), self._listed(decided, found)]
            self._point("metric", statement, (texts[0], value), features=found.source, model=found.model,
                        estimator=found.estimator, decision=texts[1], metric=error, batches=self.batches)  # fmt: skip

    def _loss(self, compared: tuple[str, ast.expr, ast.expr], statement: ast.stmt) -> None:
        """Note a point where a loss compares predictions with labels of the test part."""
        name, first, second = compared
        swapped = self._holds_labels(first) and not self._holds_labels(second)
        decided, labels = (second, first) if swapped else (first, second)
        value, found = trace(labels, self.names), trace(decided, self.names)
        if "test" not in {value.part, found.part} or "train" in {value.part, found.part}:
            return
        self._point("loss", statement, (self._listed(labels, value), value), features=found.source, model=found.model,
                    estimator=found.estimator, decision=self._listed(decided, found), metric=name,
                    batches=self.batches)  # fmt: skip

    def _listed(self, node: ast.expr, value: TracedValue) -> str:
        return self._text(node) if value.kind in {"series", "frame", "predictions"} else as_list(node, self._text(node))

    def _holds_labels(self, node: ast.expr) -> bool:
        value = trace(node, self.names)
        column = value.column if isinstance(node, ast.Subscript | ast.Attribute) and value.kind == "series" else None
        if isinstance(column, str) and value.part == "test":
            return not (KEY_NAME.search(column) or _PREDICTED.search(column))
        names = {name for one in ast.walk(node) if (name := variable_of(one))}
        return any(self._is_label(name, self.names.get(name, UNKNOWN)) for name in names)

    def _point(
        self,
        evidence: Evidence,
        statement: ast.stmt,
        labels: tuple[str, TracedValue],
        *,
        batches: ast.stmt | None = None,
        **more: str | None,
    ) -> None:
        text, value = labels
        helper = text in self.parameters and (more.get("model") in self.parameters or more.get("model") not in self.own)
        point = EvaluationPoint(
            statement=statement,
            evidence=evidence,
            names=dict(self.names),
            labels=text,
            label_value=value,
            looped=self.loops > 0 or self.batches is not batches,
            helper=helper,
            batches=batches,
            repeated=self.epochs > 0,
            **more,
        )
        self.facts.points.append(point)

    def _text(self, node: ast.expr) -> str:
        """Return an expression as the script has it; on one line."""
        start, end = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if not start or start != end:
            return ast.unparse(node)
        line = self.lines_of_text[start - 1].encode()  # as syntax trees count: `ast` would split the text for each call
        return line[getattr(node, "col_offset", 0) : getattr(node, "end_col_offset", 0)].decode()

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


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the blocks inside of a compound statement."""
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks[1:1] = [handler.body for handler in getattr(statement, "handlers", [])]
    return [block for block in blocks if block]


def _own_calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """Yield the calls of a statement in the order of evaluation, without those of its blocks."""
    inner = {id(item) for block in _blocks(statement) for item in block}

    def walk(node: ast.AST) -> Iterator[ast.Call]:
        for child in ast.iter_child_nodes(node):
            if id(child) not in inner and not isinstance(child, ast.Lambda):
                yield from walk(child)
        if isinstance(node, ast.Call):
            yield node

    yield from walk(statement)
