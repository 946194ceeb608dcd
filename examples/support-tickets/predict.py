"""Scores every ticket in MLCI_DATA, which has no labels, and writes MLCI_PREDICTIONS."""

import os
import pickle
from pathlib import Path

import pandas as pd

model = pickle.loads(Path("model.pkl").read_bytes())
rows = pd.read_csv(os.environ["MLCI_DATA"])
scores = model.predict_proba(rows["text"])[:, 1]
rows[["ticket"]].assign(score=scores.round(4)).to_csv(os.environ["MLCI_PREDICTIONS"], index=False)
