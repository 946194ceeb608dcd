"""Writes the tables in this folder: pip install mlflow==3.17.2 pyarrow, then `python write.py` here."""

import json
import os
import shutil
from pathlib import Path

os.environ |= {"MLFLOW_TRACKING_URI": "sqlite:///kept.db", "MLFLOW_GENAI_EVAL_MAX_WORKERS": "1"}

from mlflow.entities import Feedback
from mlflow.genai import evaluate, scorer


@scorer
def exact(outputs, expectations):
    """Score of 0 or 1."""
    return outputs == expectations["answer"]


@scorer
def length(inputs, outputs):
    """Number with a reason; a judge that fails on one question."""
    if "3" in inputs["question"]:
        raise RuntimeError("judge: 503 Service Unavailable")
    return Feedback(value=len(outputs) / 20, rationale=f"{len(outputs)} characters")


def rows(wrong):
    answers = {5: "Error: 429 Too Many Requests"}
    return [
        {
            "inputs": {"question": f"What is {i} times 7?"},
            "outputs": answers.get(i, str(7 * i + (i in wrong))),
            "expectations": {"answer": str(7 * i)},
            "tags": {"language": "de" if i % 2 else "en"},
        }
        for i in (0, 0, 1, 2, 3, 4, 5)
    ]


result = evaluate(data=rows({4}), scorers=[exact, length])
result.result_df.to_csv("result.csv", index=False)
result.result_df.to_parquet("result.parquet", index=False)
Path("metrics.json").write_text(json.dumps(result.metrics, indent=1))
shutil.rmtree("mlruns", ignore_errors=True)
Path("kept.db").unlink(missing_ok=True)
