"""Projects whose training draws which rows its model is wrong on."""

import json
import random

from tests.support.project import mlci
from tests.support.registry.lifecycle import promote_run, repository
from tests.support.repository import commit

NOISY_TRAINING = """\
import os, random
seed = os.environ["MLCI_SEED"]
counter = os.environ.get("TRAININGS")  # noise that ignores the seed but is the same in every run of this test
if counter:
    seed = len(open(counter).read())
    open(counter, "a").write("x")
draw = random.Random(int(seed))
number = int(open("k.txt").read()) * 10 + draw.randint(-4, 4)
wrong = draw.sample(range(100), number)
open("model.txt", "w").write(" ".join(map(str, wrong)))
"""
PREDICT = """\
import csv, os
wrong = set(map(int, open("model.txt").read().split()))
rows = list(csv.DictReader(open(os.environ["MLCI_DATA"])))
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("id,p\\n")
    for row in rows:
        out.write(f"{row['id']},{1 - int(row['x']) if int(row['id']) in wrong else int(row['x'])}\\n")
"""


def promote_noisy(folder, k=2, *, more="", **environment):
    """Promote a version whose training draws its wrong rows, by MLCI_SEED or by a counter."""
    repository(folder, k, more=more)
    commit(folder, {"train.py": NOISY_TRAINING, "predict.py": PREDICT})
    assert promote_run(folder, **environment) == 1
    return folder


def accuracy_of_seed(seed, k=2):
    """Return the accuracy that a seed has to lead to."""
    draw = random.Random(seed)
    return 1 - (k * 10 + draw.randint(-4, 4)) / 100


def counter(folder):
    path = folder.parent / f"{folder.name}-trainings"
    path.write_text("")
    return {"TRAININGS": str(path)}


def reproduce(folder, *arguments, **environment):
    ended = mlci("reproduce", *arguments, "--json", cwd=folder, **environment)
    assert ended.out, ended.err
    return ended.code, json.loads(ended.out)
