"""Choose the images for the evaluation, and write holdout.csv: key, digit, and the mean of the pixels as ink.

The 1,797 images ship with scikit-learn: a test set of the UCI database of handwritten digits (Alpaydin and Kaynak).
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

digits = load_digits()
rows = np.sort(np.random.default_rng(3).permutation(len(digits.target))[:1000])
ink = digits.data[rows].mean(axis=1).round(2)
pd.DataFrame({"image": rows, "ink": ink, "digit": digits.target[rows]}).to_csv("holdout.csv", index=False)
