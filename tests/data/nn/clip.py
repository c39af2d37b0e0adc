"""Makes clip.json: norms and gradients after torch.nn.utils.clip_grad_norm_ and clip_grad_value_.

Run with a Python that has torch: python tests/data/nn/clip.py
"""

import json
import pathlib

import torch

torch.manual_seed(5)
start = [torch.randn(shape, dtype=torch.float64) for shape in ((3, 4), (5,), ())]
inf = float("inf")


def flat(tensors):
    return [t.reshape(-1).tolist() for t in tensors]


def parameters():
    made = [torch.nn.Parameter(torch.zeros_like(t)) for t in start]
    for p, g in zip(made, start):
        p.grad = g.clone()
    return made


cases = []
for max_norm in (0.5, 100.0):
    for order in (1.0, 2.0, 2.5, inf):
        p = parameters()
        norm = torch.nn.utils.clip_grad_norm_(p, max_norm, norm_type=order)
        cases.append({"max_norm": max_norm, "order": "inf" if order == inf else order,
                      "norm": norm.item(), "grads": flat(t.grad for t in p)})
p = parameters()
torch.nn.utils.clip_grad_value_(p, 0.75)
out = {"torch": torch.__version__.split("+")[0], "shapes": [list(t.shape) for t in start],
       "start": flat(start), "norm_cases": cases, "clip_value": 0.75,
       "clipped": flat(t.grad for t in p)}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
