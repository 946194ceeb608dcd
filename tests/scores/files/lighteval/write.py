"""Write the logs in this folder: pip install lighteval "xxhash<4", then `python write.py SEED NAME` in a copy of it.

The tool (0.13) needs xxhash before version 4.
"""

import json
import os
import shutil
import sys
import types
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=str(Path("cache").absolute()))

from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.models.dummy.dummy_model import DummyModel, DummyModelConfig
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
from lighteval.tasks.registry import Registry

# some of the tool's own tasks ask the network as they are imported, and none of them is used here
Registry._load_from_subdirs = Registry._load_from_files = staticmethod(lambda *_: {})
# the dummy model has the tokenizer of gpt2, which is on the network, and no answer of it depends on tokens
DummyModel.tokenizer = types.SimpleNamespace(chat_template=None, encode=str.split, decode=" ".join)


def write_rows(task, rows):
    folder = Path("data") / task
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(seed, name):
    tracker = EvaluationTracker(output_dir="out", save_details=True)
    parameters = PipelineParameters(launcher_type=ParallelismManager.NONE, custom_tasks_directory="tasks.py")
    config = DummyModelConfig(model_name="dummy", seed=seed)
    pipeline = Pipeline(
        tasks="choice|0,sums|0", pipeline_parameters=parameters, evaluation_tracker=tracker, model_config=config
    )
    pipeline.evaluate()
    pipeline.save_and_push_results()
    target = Path(name)
    target.mkdir()
    for path in [*Path("out").rglob("*.parquet"), *Path("out").rglob("*.json")]:
        shutil.move(path, target / path.name.replace("|0", ""))
    shutil.rmtree("out")


if __name__ == "__main__":
    evens = [{"question": f"Is {i} even?", "label": i % 2, "topic": "low" if i < 5 else "high"} for i in range(10)]
    write_rows("choice", evens)
    answers = [str(2 * i) if i % 4 else "random baseline" for i in range(8)]
    write_rows("sums", [{"question": f"What is {i} plus {i}?", "answer": one} for i, one in enumerate(answers)])
    run(int(sys.argv[1]), sys.argv[2])
