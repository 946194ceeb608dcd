"""Two tasks of lighteval on local files; `python write.py` writes the logs in this folder."""

from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc


def choice(line, task_name):
    choices = [" yes", " no"]
    return Doc(
        task_name=task_name,
        query=line["question"],
        choices=choices,
        gold_index=line["label"],
        specific={"topic": line["topic"]},
    )


def sums(line, task_name):
    return Doc(task_name=task_name, query=line["question"], choices=[line["answer"]], gold_index=0)


TASKS_TABLE = [
    LightevalTaskConfig(
        name="choice",
        prompt_function=choice,
        hf_repo="data/choice",
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        metrics=[Metrics.loglikelihood_acc],
        version=1,
    ),
    LightevalTaskConfig(
        name="sums",
        prompt_function=sums,
        hf_repo="data/sums",
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        metrics=[Metrics.exact_match],
        generation_size=10,
        stop_sequence=["\n"],
        version=1,
    ),
]
