"""Draw two years of sales, and write sales.csv and holdout.csv, its last 120 days. The seed makes them the same."""

import numpy as np
import pandas as pd

STORES = {"harbour": 60, "centre": 140, "airport": 90}
WEEKDAYS = (0.8, 0.8, 0.9, 1.0, 1.3, 1.5, 0.7)
DAYS, HELD_OUT = 730, 120


def draw() -> pd.DataFrame:
    """Return a row for each store and day: weekday, promotion, sales of a week before, and units sold."""
    random = np.random.default_rng(4)
    tables = []
    for store, level in STORES.items():
        day = np.arange(DAYS)
        promotion = random.random(DAYS) < 0.15
        season = np.exp(0.3 * np.sin(day / 58) + random.normal(0, 0.08, DAYS))
        expected = level * np.array(WEEKDAYS)[day % 7] * np.where(promotion, 1.6, 1) * season
        units = random.poisson(expected)
        table = pd.DataFrame({"store": store, "day": day, "weekday": day % 7, "promotion": promotion.astype(int)})
        tables.append(table.assign(week_ago=np.roll(units, 7), units=units)[7:])
    sales = pd.concat(tables, ignore_index=True)
    sales.insert(0, "sale", sales["store"] + "-" + sales["day"].astype(str))
    return sales


if __name__ == "__main__":
    sales = draw()
    held_out = sales["day"] >= DAYS - HELD_OUT
    sales[~held_out].to_csv("sales.csv", index=False)
    sales[held_out].to_csv("holdout.csv", index=False)
