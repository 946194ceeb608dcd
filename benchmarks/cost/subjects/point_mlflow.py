"""MLflow's classification evaluation of static decisions, for both models; no slices, no intervals, no AUC."""

import os
import sys
import tempfile
import warnings

import mlflow
import rows

warnings.simplefilter("ignore")
data = rows.frame(sys.argv[1])
with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    mlflow.set_tracking_uri(f"sqlite:///{scratch}/mlflow.db")
    mlflow.set_experiment("cost")
    for model in ("p", "q"):
        frame = data[["y"]].assign(decision=rows.decide(data[model].to_numpy()))
        with mlflow.start_run():
            found = mlflow.models.evaluate(
                data=frame,
                targets="y",
                predictions="decision",
                model_type="classifier",
                evaluator_config={"log_explainer": False, "log_model_explainability": False},
            )
        print(found.metrics)
    os.chdir("/")
