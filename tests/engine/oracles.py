"""Rows of every scope and the area under the curve, by pandas and NumPy."""

import numpy as np
import pandas as pd

from mlci.metrics.statistics import ModelBins

CUTS = ["< 25", "25–40", "40–60", "≥ 60"]


def masks(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Every scope's rows, in the order that the interface documents."""
    found = {"": pd.Series(True, frame.index)}
    regions = [*sorted(frame.region.dropna().unique()), None]
    rows = {name: frame.region.isna() if name is None else frame.region == name for name in regions}
    found |= {f"region={name or '(null)'}": rows[name] for name in regions if rows[name].any()}
    bands = pd.cut(frame.age, [-np.inf, 25, 40, 60, np.inf], right=False, labels=CUTS)
    found |= {f"age={name}": bands == name for name in CUTS if (bands == name).any()}
    found |= {"age=(null)": bands.isna()} if bands.isna().any() else {}
    for name in regions:
        for sex in ("F", "M"):
            both = rows[name] & (frame.sex == sex)
            found |= {f"region × sex={name or '(null)'} × {sex}": both} if both.any() else {}
    return found


def auc(bins: ModelBins) -> float:
    below = np.cumsum(bins.negatives) - bins.negatives
    wins = (bins.positives * (below + bins.negatives / 2)).sum()
    return float(wins / (bins.positives.sum() * bins.negatives.sum()))
