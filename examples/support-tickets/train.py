"""Fits a logistic regression on the words of a ticket, and pickles it."""

import pickle
from pathlib import Path

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

tickets = pd.read_csv("tickets.csv")
model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=3))
model.fit(tickets["text"], tickets["urgent"])
Path("model.pkl").write_bytes(pickle.dumps(model))
