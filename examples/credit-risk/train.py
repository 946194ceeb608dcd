"""Fits a logistic regression of default, and saves it as model.skops, which mlci scores itself."""

import skops.io
from make_data import draw
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["debt_ratio", "late_payments"]

loans = draw("train")
income = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
features = make_column_transformer((income, ["income"]), (StandardScaler(), NUMBERS))
model = make_pipeline(features, LogisticRegression())
model.fit(loans[["income", *NUMBERS]].astype(float), loans["defaulted"])
skops.io.dump(model, "model.skops")
