"""Makes ops.json: values and gradients of PyTorch's functions in float64.

Run with a Python that has torch: python tests/data/autograd/ops.py
Each case names a function of tests/autograd/ops_pytorch_test.cpp. The gradients are those of
sum(result * weights) with weights 1, 2, 3, ... in row-major order.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(2)
cases = []


def pack(t):
    kind = {torch.float64: "float64", torch.int64: "int64", torch.bool: "bool"}[t.dtype]
    values = [None if v != v else v for v in t.detach().reshape(-1).tolist()]
    return {"dtype": kind, "shape": list(t.shape), "values": values}


def case(name, fn, *inputs):
    leaves = [t.clone().requires_grad_() if t.is_floating_point() else t for t in inputs]
    out = fn(*leaves)
    grads = []
    if out.requires_grad:
        weights = torch.arange(1, out.numel() + 1, dtype=out.dtype).reshape(out.shape)
        (out * weights).sum().backward()
        grads = [pack(t.grad) if t.is_floating_point() and t.grad is not None else None
                 for t in leaves]
    cases.append({"name": name, "inputs": [pack(t) for t in inputs], "out": pack(out),
                  "grads": grads})


def rnd(*shape):
    return torch.randn(*shape, dtype=torch.float64)


target = torch.tensor([2, 0, -100, 1, 4])
weight = torch.tensor([0.5, 2, 1.25, 0, 3], dtype=torch.float64)
ce = F.cross_entropy
case("cross_entropy", lambda x, t: ce(x, t), rnd(5, 5) * 4, target)
case("cross_entropy_sum", lambda x, t: ce(x, t, reduction="sum"), rnd(5, 5), target)
case("cross_entropy_none", lambda x, t: ce(x, t, reduction="none"), rnd(5, 5), target)
case("cross_entropy_weight", lambda x, t: ce(x, t, weight), rnd(5, 5), target)
case("cross_entropy_smooth", lambda x, t: ce(x, t, label_smoothing=0.1), rnd(5, 5), target)
case("cross_entropy_all", lambda x, t: ce(x, t, weight, label_smoothing=0.2), rnd(5, 5), target)
case("cross_entropy_ignore_1", lambda x, t: ce(x, t, ignore_index=1), rnd(2, 3, 4),
     torch.tensor([[0, 1, 2, 2], [1, 1, 0, 2]]))
case("cross_entropy_ignore_1", lambda x, t: ce(x, t, ignore_index=1), rnd(2, 3),
     torch.tensor([1, 1]))
case("cross_entropy_one", lambda x, t: ce(x, t), rnd(6), torch.tensor(3))
case("cross_entropy_probabilities", lambda x, t: ce(x, t, weight, label_smoothing=0.1), rnd(4, 5),
     torch.softmax(rnd(4, 5), 1))
case("nll_loss", lambda x, t: F.nll_loss(F.log_softmax(x, 1), t), rnd(5, 5), target)
case("mse_loss", lambda x, y: F.mse_loss(x, y), rnd(3, 4), rnd(3, 4))
case("softmax_0", lambda x: torch.softmax(x, 0), rnd(4, 3))
case("softmax_last", lambda x: torch.softmax(x, -1), rnd(2, 70) * 20)
case("log_softmax_1", lambda x: torch.log_softmax(x, 1), rnd(2, 3, 2))
case("matmul", torch.matmul, rnd(4), rnd(4))
case("matmul", torch.matmul, rnd(2, 3), rnd(3))
case("matmul", torch.matmul, rnd(3), rnd(2, 3, 2))
case("matmul", torch.matmul, rnd(2, 1, 3, 4), rnd(3, 4, 2))
case("matmul", torch.matmul, rnd(5, 3, 4), rnd(4, 2))
case("linear", F.linear, rnd(2, 3, 4), rnd(5, 4), rnd(5))
case("addmm", lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), rnd(3), rnd(2, 4), rnd(4, 3))
case("var", lambda x: torch.var(x), rnd(3, 4))
case("var_dims_0", lambda x: torch.var(x, (0, 2), correction=0), rnd(3, 4, 2))
case("std_1", lambda x: torch.std(x, 1), rnd(3, 4))
case("norm_1", lambda x: torch.linalg.vector_norm(x, dim=1),
     torch.tensor([[3.0, 4], [0, 0]], dtype=torch.float64))
case("prod_1", lambda x: torch.prod(x, 1),
     torch.tensor([[2.0, 3, 4], [2, 0, 4], [0, 0, 4]], dtype=torch.float64))
case("amax_1", lambda x: torch.amax(x, 1),
     torch.tensor([[1.0, 5, 5, 5], [2, 1, 0, -1]], dtype=torch.float64))
case("amin", lambda x: torch.amin(x), torch.tensor([1.0, -5, -5], dtype=torch.float64))
nan = float("nan")
odd = torch.tensor([[1.0, nan, 7, nan], [2, 9, 9, 1]], dtype=torch.float64)
case("argmax_1", lambda x: torch.argmax(x.detach(), 1), odd)
case("argmin", lambda x: torch.argmin(x.detach()), odd)
case("any_1", lambda x: torch.any(x, 1), torch.tensor([[0, 0, 3], [0, 0, 0]]))
case("all_0", lambda x: torch.all(x, 0), torch.tensor([[1, 0, 3], [2, 5, 0]]))
case("sum", lambda x: torch.sum(x), torch.tensor([[1, 2], [3, 4]]))
case("prod", lambda x: torch.prod(x), torch.tensor([2**40, 2**30, 3]))
case("embedding_padding_1", lambda w, i: F.embedding(i, w, padding_idx=1), rnd(4, 3),
     torch.tensor([[2, 1, 0], [2, 2, 1]]))

out = {"torch": torch.__version__.split("+")[0], "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
