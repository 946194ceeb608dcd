"""Fits a logistic regression on the images outside of the evaluation set, and pickles it."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from images import features
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

digits = load_digits()
kept = np.setdiff1d(np.arange(len(digits.target)), pd.read_csv("holdout.csv")["image"])
model = LogisticRegression(max_iter=1000).fit(features(digits.images[kept]), digits.target[kept])
Path("model.pkl").write_bytes(pickle.dumps(model))
