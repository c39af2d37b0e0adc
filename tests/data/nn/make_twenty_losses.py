"""Writes twenty_losses.json: the losses of 20 training steps in PyTorch, for tests/nn.

Weights and batches are formulas, so that no data is needed: parameter number k has the elements
scale(k) sin(0.7 i + k), an input of step s sin(0.37 i + s mod 4), targets (3 i + s mod 4) mod 10.
Four batches come by turns.
Usage: python make_twenty_losses.py (with torch 2.x; CPU, one thread)
"""

import json
import math
import pathlib

import torch
from torch import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def norms():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.GELU(),
        nn.Conv2d(8, 16, 3, padding=1, groups=2), nn.BatchNorm2d(16), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(784, 32), nn.LayerNorm(32), nn.Tanh(), nn.Linear(32, 10))


def fill(parameter, k):
    n = parameter.numel()
    scale = 1 / math.sqrt(parameter[0].numel()) if parameter.dim() > 1 else 0.1
    values = [scale * math.sin(0.7 * i + k) for i in range(n)]
    with torch.no_grad():
        parameter.copy_(torch.tensor(values, dtype=torch.float64).view_as(parameter))


def losses(model, optimizer):
    for k, parameter in enumerate(model.parameters()):
        fill(parameter, k)
    step, out = optimizer(model.parameters()), []
    for s in range(20):
        x = torch.tensor([math.sin(0.37 * i + s % 4) for i in range(16 * 28 * 28)],
                         dtype=torch.float64).float().view(16, 1, 28, 28)
        target = torch.tensor([(3 * i + s % 4) % 10 for i in range(16)])
        step.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        step.step()
        out.append(loss.item())
    return out


def main():
    torch.set_num_threads(1)
    result = {
        "torch": torch.__version__,
        "lenet_sgd": losses(lenet(), lambda p: torch.optim.SGD(
            p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)),
        "norms_adamw": losses(norms(), lambda p: torch.optim.AdamW(p, lr=1e-2)),
    }
    path = pathlib.Path(__file__).with_name("twenty_losses.json")
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
