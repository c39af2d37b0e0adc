"""What PyTorch does in the cases of forms_test.cpp: values, dtype and shape, or "refused".

    python tests/autograd/forms_torch.py > tests/autograd/forms_torch.json
"""
import json
import warnings

import torch
from torch import arange, empty, float16, float64, full, int32, int64, ones, tensor

warnings.simplefilter("ignore")  # out= of another shape


def leaf():
    return ones(2, requires_grad=True)


CASES = {
    "int32.add_(1.5)": lambda: ones(2, dtype=int32).add_(1.5),
    "int32.add_(int64)": lambda: ones(2, dtype=int32).add_(ones(2, dtype=int64)),
    "int32.div_(2)": lambda: ones(2, dtype=int32).div_(2),
    "int32.exp_()": lambda: ones(2, dtype=int32).exp_(),
    "bool.add_(1)": lambda: ones(2, dtype=torch.bool).add_(1),
    "int32.eq_(1)": lambda: ones(2, dtype=int32).eq_(1),
    "float32.eq_(1)": lambda: ones(2).eq_(1),
    "int32.clamp_(0.5)": lambda: ones(2, dtype=int32).clamp_(0.5),
    "int32.pow_(0.5)": lambda: ones(2, dtype=int32).pow_(0.5),
    "float16.add_(float32)": lambda: full((2,), 1.0, dtype=float16).add_(full((2,), 2.0**-12)),
    "[2].add_([3, 2])": lambda: ones(2).add_(ones(3, 2)),
    "[2].lerp_([3, 2])": lambda: ones(2).lerp_(ones(3, 2), 0.5),
    "expanded.add_(1)": lambda: ones(1).expand(3).add_(1),
    "x[1:].add_(x[:-1])": lambda: (lambda x: x[1:].add_(x[:-1]))(arange(6.0)),
    "x[:, 0].add_(x[:, 1])": lambda: (lambda x: x[:, 0].add_(x[:, 1]))(arange(6.0).reshape(2, 3)),
    "x.add_(x.t())": lambda: (lambda x: x.add_(x.t()))(arange(9.0).reshape(3, 3)),
    "x.add_(x)": lambda: (lambda x: x.add_(x))(arange(3.0)),
    "x.index_add_(x[1:])": lambda: (lambda x: x.index_add_(0, tensor([0]), x[1:2]))(ones(2, 2)),
    "leaf.add_(1)": lambda: leaf().add_(1),
    "leaf[:1].add_(1)": lambda: leaf()[:1].add_(1),
    "int32.cumsum_(0)": lambda: ones(3, dtype=int32).cumsum_(0),
    "add(x[:-1], 1, out=x[1:])": lambda: (lambda x: torch.add(x[:-1], 1, out=x[1:]))(arange(6.0)),
    "add(x, 1, out=x)": lambda: (lambda x: torch.add(x, 1, out=x))(arange(3.0)),
    "add(leaf, out)": lambda: torch.add(leaf(), 1, out=empty(2)),
    "add(out=leaf)": lambda: torch.add(ones(2), 1, out=leaf()),
    "add(float32, out=int32)": lambda: torch.add(ones(2), 1, out=empty(2, dtype=int32)),
    "add(int32, out=float32)": lambda: torch.add(ones(2, dtype=int32), 1, out=empty(2)),
    "add(float64, out=float32)": lambda: torch.add(ones(2, dtype=float64), 1, out=empty(2)),
    "add(out=[0])": lambda: torch.add(ones(2), 1, out=empty(0)),
    "add(out=[3])": lambda: torch.add(ones(2), 1, out=empty(3)),
    "add(out=expanded)": lambda: torch.add(ones(3), 1, out=empty(1).expand(3)),
    "eq(out=float32)": lambda: torch.eq(ones(2), 1, out=empty(2)),
    "cat(out=float64)": lambda: torch.cat([ones(2), ones(1)], out=empty(3, dtype=float64)),
    "cat(out=int32)": lambda: torch.cat([ones(2), ones(1)], out=empty(3, dtype=int32)),
    "sum(int32, out=float32)": lambda: torch.sum(ones(2, 2, dtype=int32), 1, out=empty(2)),
    "sum(1.5, out=int64)": lambda: torch.sum(ones(2, 2) * 1.5, 1, out=empty(2, dtype=int64)),
    "cumsum(int32, out=float32)": lambda: torch.cumsum(ones(3, dtype=int32), 0, out=empty(3)),
    "arange(out=float32)": lambda: torch.arange(0, 3, out=empty(3)),
    "arange(1.0, out=int32)": lambda: torch.arange(0, 3, 1.0, out=empty(3, dtype=int32)),
    "mm(out=float64)": lambda: torch.mm(ones(2, 2), ones(2, 2), out=empty(2, 2, dtype=float64)),
    "mm(x, x, out=x)": lambda: (lambda x: torch.mm(x, x, out=x))(ones(2, 2)),
    "argmax(out=float32)": lambda: torch.argmax(ones(2, 2), 1, out=empty(2)),
}


def outcome(case):
    try:
        out = case()
    except (RuntimeError, TypeError):
        return "refused"
    dtype = str(out.dtype).removeprefix("torch.")
    return {"dtype": dtype, "size": list(out.shape), "values": out.flatten().tolist()}


print("{")
print(",\n".join(f"{json.dumps(name)}: {json.dumps(outcome(case))}" for name, case in CASES.items()))
print("}")
