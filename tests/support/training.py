"""A project whose training makes everything: holdout, predictions and model; nothing of that is in git.

The holdout is the hundred ids from the number in ``start.txt`` on, and the model is wrong on k ids of ten, so on any
multiple of ten rows its accuracy is 1 - k / 10.
"""

import shutil

from tests.support.project import PYTHON, config
from tests.support.repository import commit, init

SCRIPT = """\
start, k = int(open("start.txt").read()), int(open("k.txt").read())
turned = [int(line) for line in open("turned.txt").read().split()]
ids = range(start, start + 100)
truth = {i: i // 10 % 2 ^ (i in turned) for i in ids}
with open("holdout.csv", "w") as out:
    out.write("id,x,y\\n" + "".join(f"{i},{i // 10 % 2},{truth[i]}\\n" for i in ids))
with open("predictions.csv", "w") as out:
    out.write("id,p\\n" + "".join(f"{i},{1 - i // 10 % 2 if i % 10 < k else i // 10 % 2}\\n" for i in ids))
open("model.txt", "w").write(str(k))
"""
TRAIN = f"train: {{run: {PYTHON} script.py}}\n"
LEFT = "predict: {file: predictions.csv, decision: p}\n"
SCORES = f"predict: {{run: {PYTHON} predict.py, decision: p}}\n"
PREDICT = """\
import os
k = int(open("model.txt").read())
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("id,p\\n")
    for line in open(os.environ["MLCI_DATA"]).readlines()[1:]:
        i = int(line.split(",")[0])
        out.write(f"{i},{1 - i // 10 % 2 if i % 10 < k else i // 10 % 2}\\n")
"""


def project(folder, k=1, *, baseline="production", predict=LEFT, key=True):
    """Commit a project whose training makes everything."""
    text = config(baseline=baseline, train=TRAIN, predict=predict)
    ignored = ".mlci/\nholdout.csv\npredictions.csv\nmodel.txt\n"
    files = {"script.py": SCRIPT, "predict.py": PREDICT, "start.txt": "0", "k.txt": str(k), "turned.txt": ""}
    init(folder)
    text = text if key else text.replace("  key: id\n", "")
    commit(folder, {"mlci.yml": text, ".gitignore": ignored, **files})
    return folder


def fresh(folder):
    """Leave what a fresh checkout has, and the registry."""
    for path in ("holdout.csv", "predictions.csv", "model.txt", ".mlci/out", ".mlci/cache", ".mlci/made-by-training"):
        target = folder / path
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    return folder
