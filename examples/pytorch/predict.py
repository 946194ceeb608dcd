"""Scores every row in MLCI_DATA, which has no labels, and writes MLCI_PREDICTIONS."""

import csv
import os
from pathlib import Path

import torch
from network import make_network, read_table, vibrations

torch.manual_seed(1)
network = make_network()
network.load_state_dict(torch.load("model.pt", weights_only=True))
network.eval()
rows = read_table(os.environ["MLCI_DATA"])
with torch.no_grad():
    scores = torch.sigmoid(network(vibrations(rows)).squeeze(1)).tolist()
with Path(os.environ["MLCI_PREDICTIONS"]).open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["bearing", "score"])
    table.writerows((row["bearing"], f"{score:.4f}") for row, score in zip(rows, scores, strict=True))
