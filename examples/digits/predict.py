"""Gives every digit a probability for each image in MLCI_DATA, which has no labels, and writes MLCI_PREDICTIONS."""

import os
import pickle
from pathlib import Path

import pandas as pd
from images import features
from sklearn.datasets import load_digits

model = pickle.loads(Path("model.pkl").read_bytes())
rows = pd.read_csv(os.environ["MLCI_DATA"])
probabilities = model.predict_proba(features(load_digits().images[rows["image"]])).round(5)
table = pd.DataFrame(probabilities, columns=[f"p{digit}" for digit in model.classes_])
table.insert(0, "image", rows["image"])
table.to_csv(os.environ["MLCI_PREDICTIONS"], index=False)
