"""Points of a script where a model meets the labels of the test part: metrics, losses, comparisons, predictions."""

import ast
import re
from dataclasses import replace

from mlci.operations.init.columns import KEY_NAME
from mlci.operations.init.scripts.batches import as_list, comparisons
from mlci.operations.init.scripts.losses import compared_by_loss
from mlci.operations.init.scripts.script_facts import (
    DECISION_METRICS,
    REGRESSION_METRICS,
    SCORE_METRICS,
    EvaluationPoint,
    Evidence,
)
from mlci.operations.init.scripts.traced_values import is_label_name, trace
from mlci.operations.init.scripts.values import UNKNOWN, TracedValue, variable_of
from mlci.operations.init.scripts.walk.walk_state import WalkState

_OF_TWO_CLASSES = {
    "f1_score",
    "precision_score",
    "recall_score",
    "roc_auc_score",
    "average_precision_score",
    "roc_curve",
}
"""Metrics that, called without more arguments, need the labels 0 and 1."""
PREDICTED = re.compile(r"^(y_?|test_?)?(pred(s|icted|ictions?)?|hat)(_?test)?$", re.IGNORECASE)
"""Name of a variable that holds predictions."""


class EvaluationPoints(WalkState):
    """Part of the walk that notes evaluation points and trainings."""

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
                 if value.part == "test" and not self._is_label(name, value) and not PREDICTED.search(name)
                 and value.kind not in {"predictions", "probabilities"}]  # fmt: skip
        return found[-1] if found else None

    def _is_label(self, name: str, value: TracedValue) -> bool:
        named = is_label_name(name) and not PREDICTED.search(name)
        if value.kind == "frame" and not named:
            return False  # `df[["age"]]` may be the only feature
        scores = value.column == "score" and value.path is None  # of a model
        selected = value.column is not None and value.equals is None  # `test["sex"] == "f"` may be a filter
        key = isinstance(value.column, str) and KEY_NAME.search(value.column)
        selected = selected and not key and not PREDICTED.search(name)
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
            return not (KEY_NAME.search(column) or PREDICTED.search(column))
        names = {name for one in ast.walk(node) if (name := variable_of(one))}
        return any(self._is_label(name, self.names.get(name, UNKNOWN)) for name in names)

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
