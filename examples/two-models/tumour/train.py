"""Fits a classifier outside of the evaluation set, and scores the rows of the evaluation set.

The data ship with scikit-learn: Breast Cancer Wisconsin (Wolberg, Street, Mangasarian). holdout.csv has every third
row.
"""

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = ["mean radius", "mean texture", "mean smoothness", "mean concavity"]

data = load_breast_cancer(as_frame=True).frame
held_out = pd.read_csv("holdout.csv")["row"]
train = data.drop(held_out)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[COLUMNS], train["target"])
scores = model.predict_proba(data.loc[held_out, COLUMNS])[:, 1]
pd.DataFrame({"row": held_out, "score": scores.round(4)}).to_csv("predictions.csv", index=False)
