"""The project of the page on behavioural tests: loans that default if the debt is above the income."""

import re
import sys
from pathlib import Path

from tests.support.project import write

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "gates" / "test-behaviour-with-pytest.md").read_text("utf-8")
PREDICT = """\
import csv, os
with open(os.environ["MLCI_DATA"]) as rows, open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("loan_id,score\\n")
    for row in csv.DictReader(rows):
        debt, income = float(row["debt"]), float(row["income"])
        out.write(f"{row['loan_id']},{debt / (debt + income)}\\n")
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def project(folder, denominator="debt + income"):
    """Write the files; the model scores loans by the debt and this denominator."""
    rows = [(number, (number * 37) % 140 + 10, 55 + number % 7, "ns"[number % 2]) for number in range(200)]
    lines = [f"{number},{debt},{income},{region},{int(debt > income)}" for number, debt, income, region in rows]
    scores = [f"{number},{debt / (debt + income)}" for number, debt, income, _ in rows]
    return write(
        folder,
        {
            "mlci.yml": blocks("yaml")[0].replace("python predict.py", f"exec '{sys.executable}' -I -S predict.py"),
            "holdout.csv": "\n".join(["loan_id,debt,income,region,defaulted", *lines]),
            "production.csv": "\n".join(["loan_id,score", *scores]),
            "predict.py": PREDICT.replace("debt + income", denominator),
            "tests/test_model.py": blocks("python")[0],
        },
    )
