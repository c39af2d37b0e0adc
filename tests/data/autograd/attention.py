"""Makes attention.json: values and gradients of PyTorch's scaled_dot_product_attention in float64.

Run with a Python that has torch: python tests/data/autograd/attention.py
The gradients are those of sum(result * weights) with weights 1, 2, 3, ... in row-major order.
By PyTorch's MATH backend, which is the formula: its fused CPU kernel gives 0 for a NaN query, with
NaN as the query's gradient.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

torch.manual_seed(3)
cases = []
inf = float("inf")


def number(v):
    return None if v != v else v if abs(v) != inf else str(v)


def pack(t):
    kind = {torch.float64: "float64", torch.bool: "bool"}[t.dtype]
    return {"dtype": kind, "shape": list(t.shape),
            "values": [number(v) for v in t.detach().reshape(-1).tolist()]}


def case(what, q, k, v, mask=None, mask_grad=False, **options):
    leaves = [t.clone().requires_grad_() for t in (q, k, v)]
    if mask is not None:
        mask = mask.clone().requires_grad_(mask_grad)
    with sdpa_kernel(SDPBackend.MATH):
        out = F.scaled_dot_product_attention(*leaves, attn_mask=mask, **options)
    weights = torch.arange(1, out.numel() + 1, dtype=out.dtype).reshape(out.shape)
    (out * weights).sum().backward()
    inputs = [q, k, v] + ([] if mask is None else [mask])
    grads = [pack(t.grad) for t in leaves] + ([pack(mask.grad)] if mask_grad else [])
    cases.append({"name": what, "inputs": [pack(t) for t in inputs], "mask_grad": mask_grad,
                  "options": options, "out": pack(out), "grads": grads})


def rnd(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def qkv(queries, keys, width=4, heads=2, kv_heads=2, value_width=None):
    return (rnd(1, heads, queries, width), rnd(1, kv_heads, keys, width),
            rnd(1, kv_heads, keys, value_width or width))


case("plain", *qkv(3, 5, value_width=3))
case("scale", *qkv(3, 4), scale=-0.7)
case("causal", *qkv(4, 4), is_causal=True)
case("causal, more keys", *qkv(3, 5), is_causal=True)
case("causal, more queries", *qkv(5, 3), is_causal=True)
case("shared heads", *qkv(3, 4, heads=6, kv_heads=2), is_causal=True, enable_gqa=True)
case("matrices", rnd(3, 4), rnd(5, 4), rnd(5, 2))
case("three dimensions", rnd(2, 3, 4), rnd(2, 5, 4), rnd(2, 5, 2), is_causal=True)
case("five dimensions", rnd(2, 2, 2, 3, 4), rnd(2, 2, 2, 2, 4), rnd(2, 2, 2, 2, 3))
hidden = torch.tensor([[True, False, True], [False, False, False]])
case("bool mask", *qkv(2, 3), mask=hidden)
case("bool mask of heads", *qkv(2, 3), mask=torch.stack([hidden, ~hidden]))
case("bool mask of keys", *qkv(2, 3), mask=hidden[:1])
case("mask", *qkv(2, 3), mask=rnd(1, 1, 2, 3))
case("mask with -inf", *qkv(2, 3), mask=rnd(2, 3).masked_fill(~hidden, -inf))
case("mask with a gradient", *qkv(2, 3), mask=rnd(1, 2, 3), mask_grad=True)
case("mask of matrices", rnd(2, 4), rnd(3, 4), rnd(3, 4), mask=hidden)
case("no keys", *qkv(2, 0))
q, k, v = qkv(3, 3)
q[0, 0, 1, 0] = float("nan")
case("NaN in a query", q, k, v)

out = {"torch": torch.__version__.split("+")[0], "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
