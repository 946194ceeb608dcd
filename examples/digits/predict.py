"""Decides on the digit of every image in MLCI_DATA, which has no labels, and writes MLCI_PREDICTIONS."""

import os
import pickle
from pathlib import Path

import pandas as pd
from images import features
from sklearn.datasets import load_digits

model = pickle.loads(Path("model.pkl").read_bytes())
rows = pd.read_csv(os.environ["MLCI_DATA"])
decided = model.predict(features(load_digits().images[rows["image"]]))
rows[["image"]].assign(digit=decided).to_csv(os.environ["MLCI_PREDICTIONS"], index=False)
