"""Trains the network on the CPU, always with the same seed, and saves its weights."""

import torch
from network import make_network, read_table, vibrations
from torch.nn.functional import binary_cross_entropy_with_logits

torch.manual_seed(1)
rows = read_table("train.csv")
inputs, worn = vibrations(rows), torch.tensor([float(row["worn"]) for row in rows])
network = make_network()
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
network.train()
for _ in range(40):
    for batch in torch.randperm(len(rows)).split(50):
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(network(inputs[batch]).squeeze(1), worn[batch])
        loss.backward()
        optimizer.step()
torch.save(network.state_dict(), "model.pt")
