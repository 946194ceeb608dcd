"""Evidently's classification preset, candidate against baseline as its reference; no slices, no intervals."""

import sys

import pandas as pd
import rows
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationPreset

data = rows.frame(sys.argv[1])
definition = DataDefinition(
    classification=[
        BinaryClassification(target="y", prediction_labels="decision", prediction_probas="score", pos_label=1)
    ]
)


def of(model: str) -> Dataset:
    score = data[model].to_numpy()
    frame = pd.DataFrame({"y": data["y"], "score": score, "decision": rows.decide(score)})
    return Dataset.from_pandas(frame, data_definition=definition)


found = Report([ClassificationPreset()]).run(of("p"), of("q"))
print(len(found.dict()["metrics"]))
