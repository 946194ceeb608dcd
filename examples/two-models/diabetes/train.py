"""Fits a regression outside of the evaluation set, and predicts the rows of the evaluation set.

The data ship with scikit-learn: the diabetes study of Efron, Hastie, Johnstone and Tibshirani. holdout.csv has every
second row.
"""

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

COLUMNS = ["age", "sex", "bmi", "bp", "s5"]

data = load_diabetes(as_frame=True).frame
held_out = pd.read_csv("holdout.csv")["row"]
train = data.drop(held_out)
model = Ridge(alpha=0.01).fit(train[COLUMNS], train["target"])
predicted = model.predict(data.loc[held_out, COLUMNS])
pd.DataFrame({"row": held_out, "progression": predicted.round(1)}).to_csv("predictions.csv", index=False)
