"""Draw loan applications, and write holdout.csv: a stand-in for a query to a warehouse. The seed makes them the same.

Of the women, two in five have no income on file, because the bank recorded the household's income under one name.
"""

import numpy as np
import pandas as pd

ROWS = {"train": (3000, 1), "holdout": (4000, 2)}


def draw(part: str) -> pd.DataFrame:
    """Return the applications of a part, with the outcome of each loan."""
    rows, seed = ROWS[part]
    random = np.random.default_rng(seed)
    sex = random.choice(["female", "male"], rows)
    income = np.exp(random.normal(8, 0.4, rows)).round(-1)
    debt_ratio = random.beta(2, 4, rows).round(2)
    late_payments = random.poisson(0.7, rows)
    risk = -1.6 + 1.5 * (8 - np.log(income)) + 9 * np.clip(debt_ratio - 0.4, 0, None) + 0.6 * late_payments
    defaulted = (random.random(rows) < 1 / (1 + np.exp(-risk))).astype(int)
    missing = random.random(rows) < np.where(sex == "female", 0.4, 0.03)
    columns = {
        "loan": np.arange(rows) + seed * 10_000,
        "sex": sex,
        "income": pd.Series(np.where(missing, np.nan, income)).astype("Int64"),
        "debt_ratio": debt_ratio,
        "late_payments": late_payments,
        "defaulted": defaulted,
    }
    return pd.DataFrame(columns)


if __name__ == "__main__":
    draw("holdout").to_csv("holdout.csv", index=False)
