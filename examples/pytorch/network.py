"""A convolutional network for a vibration, and how a table becomes its input."""

import csv
from pathlib import Path

import torch
from torch import nn


def make_network() -> nn.Sequential:
    """Return the network with random weights; its output is the logit of a worn bearing."""
    return nn.Sequential(
        nn.Conv1d(1, 8, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.Conv1d(8, 8, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Dropout(0.6),
        nn.Linear(8, 1),
    )


def read_table(path: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def vibrations(rows: list[dict[str, str]]) -> torch.Tensor:
    """Return the input of the network, one channel for each row."""
    return torch.tensor([[[float(row[f"t{step}"]) for step in range(16)]] for row in rows])
