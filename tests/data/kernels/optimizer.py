"""Makes optimizer.json: twenty steps of torch.optim in float64, for several settings.

Run with a Python that has torch: python tests/data/kernels/optimizer.py
Gradients are given, so that only the step itself is compared.
"""

import json
import pathlib

import torch

STEPS = 20
SETTINGS = [
    ("sgd", {"lr": 0.1}),
    ("sgd", {"lr": 0.1, "weight_decay": 0.01, "maximize": True}),
    ("sgd", {"lr": 0.05, "momentum": 0.9}),
    ("sgd", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02}),
    ("sgd", {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    ("adam", {"lr": 0.01}),
    ("adam", {"lr": 0.02, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.1}),
    ("adam", {"lr": 0.01, "amsgrad": True, "maximize": True}),
    ("adamw", {"lr": 0.01}),
    ("adamw", {"lr": 0.03, "weight_decay": 0.3, "amsgrad": True}),
]
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}

torch.manual_seed(1)
start = torch.randn(7, dtype=torch.float64)
grads = torch.randn(STEPS, 7, dtype=torch.float64) * torch.logspace(-3, 1, 7, dtype=torch.float64)

cases = []
for kind, options in SETTINGS:
    parameter = start.clone().requires_grad_()
    optimizer = CLASSES[kind]([parameter], **options, foreach=False)
    path = []
    for gradient in grads:
        parameter.grad = gradient.clone()
        optimizer.step()
        path.append(parameter.detach().tolist())
    # AdamW's default decay is written down, so that the reader needs no defaults.
    if kind == "adamw":
        options = {"weight_decay": 0.01} | options
    cases.append({"kind": kind, "options": options, "path": path})

out = {"torch": torch.__version__.split("+")[0], "start": start.tolist(), "grads": grads.tolist(),
       "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
