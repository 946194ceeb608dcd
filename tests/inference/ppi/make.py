"""Write `reference.json`: intervals of a mean by ppi_py, the authors' package (`pip install ppi-python==0.2.3`)."""

import json
from pathlib import Path

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate


def case(seed: int, few: int, many: int, noise: float) -> dict:
    """Draw differences of people and a judge, and let ppi_py estimate their mean at 95 %."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([-1.0, 0.0, 1.0], few + many, p=[0.25, 0.6, 0.15])
    judged = np.where(rng.random(few + many) < noise, rng.choice([-1.0, 0.0, 1.0], few + many), truth)
    people, own, others = truth[:few], judged[:few], judged[few:]
    low, high = ppi_mean_ci(people, own, others, alpha=0.05)
    value = ppi_mean_pointestimate(people, own, others)
    found = {"value": float(np.ravel(value)[0]), "low": float(np.ravel(low)[0]), "high": float(np.ravel(high)[0])}
    return {"people": people.tolist(), "judged": own.tolist(), "unlabelled": others.tolist(), **found}


if __name__ == "__main__":
    cases = [case(1, 40, 200, 0.2), case(2, 30, 60, 0.9), case(3, 100, 1_000, 0.0), case(4, 60, 30, 0.4)]
    Path(__file__).with_name("reference.json").write_text(json.dumps(cases) + "\n", "utf-8")
