"""Makes fused.json: values and gradients of PyTorch's normalisations, indexing and fused functions.

Run with a Python that has torch: python tests/data/autograd/fused.py
Each case names a function of tests/autograd/fused_pytorch_test.cpp. The gradients are those of
sum(result * weights) with weights 1, 2, 3, ... in row-major order. Where PyTorch has no function of
the name, the case is what it fuses.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(7)
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
    return torch.randn(shape, dtype=torch.float64)


def ints(high, *shape):
    return torch.randint(high, shape)


def both(norm):
    return lambda x, r, *p: torch.stack((norm(x + r, *p), x + r))


# Normalisation.
case("rms_norm", lambda x, w: F.rms_norm(x, (6,), w), rnd(3, 6), rnd(6))
case("rms_norm_eps", lambda x: F.rms_norm(x, (2, 3), eps=1e-2), rnd(4, 2, 3))
case("add_layer_norm", both(lambda s, w, b: F.layer_norm(s, (5,), w, b)), rnd(2, 3, 5),
     rnd(2, 3, 5), rnd(5), rnd(5))
case("add_rms_norm", both(lambda s, w: F.rms_norm(s, (5,), w, 1e-3)), rnd(4, 5), rnd(4, 5), rnd(5))
case("group_norm_2", lambda x, w, b: F.group_norm(x, 2, w, b), rnd(2, 4, 3), rnd(4), rnd(4))
case("group_norm_2", lambda x, w, b: F.group_norm(x, 2, w, b), rnd(3, 6, 2, 2), rnd(6), rnd(6))
case("group_norm_plain", lambda x: F.group_norm(x, 3, eps=1e-3), rnd(2, 3, 4))
case("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b), rnd(2, 3, 4), rnd(3),
     rnd(3))


def running(x, w):
    mean = torch.tensor([0.5, -1, 2], dtype=torch.float64)
    var = torch.tensor([1.0, 2, 0.5], dtype=torch.float64)
    y = F.instance_norm(x, mean, var, w, None, True, 0.25)
    return torch.cat((y.reshape(-1), mean, var))


case("instance_norm_running", running, rnd(2, 3, 4), rnd(3))
case("instance_norm_eval",
     lambda x, w: F.instance_norm(x, torch.tensor([0.5, -1, 2], dtype=torch.float64),
                                  torch.tensor([1.0, 2, 0.5], dtype=torch.float64), w, None, False),
     rnd(2, 3, 4), rnd(3))
case("bias_gelu", lambda x, b: F.gelu(x + b), rnd(3, 7) * 2, rnd(7))
case("bias_gelu_tanh", lambda x, b: F.gelu(x + b, approximate="tanh"), rnd(2, 3, 5) * 2, rnd(5))

case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)), rnd(2, 2, 5, 7))
case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 2)),
     torch.randint(3, (2, 4, 3)).double())

# Indexing.
case("gather_1", lambda x, i: torch.gather(x, 1, i), rnd(3, 4), ints(4, 2, 6))
case("gather_0", lambda x, i: torch.gather(x, 0, i), rnd(3, 4, 2), ints(3, 5, 3, 1))
case("gather_0", lambda x, i: torch.gather(x, 0, i), torch.tensor(3.0, dtype=torch.float64),
     torch.tensor([0, 0]))
case("gather_0", lambda x, i: torch.gather(x, 0, i), torch.tensor([4, 5, 6]),
     torch.tensor([2, 2, 0, 1]))
unique = torch.stack([torch.randperm(5)[:3] for _ in range(2)])
case("scatter_1", lambda x, i, s: torch.scatter(x, 1, i, s), rnd(3, 5), unique, rnd(2, 3))
case("scatter_value_1", lambda x, i: torch.scatter(x, 1, i, 2.5), rnd(3, 5), unique)
case("scatter_add_1", lambda x, i, s: torch.scatter_add(x, 1, i, s), rnd(3, 4), ints(4, 2, 6),
     rnd(2, 6))
case("scatter_add_0", lambda x, i, s: torch.scatter_add(x, 0, i, s), rnd(4, 3, 3), ints(4, 6, 2, 2),
     rnd(6, 2, 2))
for reduce in ("sum", "prod", "mean", "amax", "amin"):
    for self in (True, False):
        name = f"scatter_reduce_{reduce}_{'with' if self else 'without'}_self"
        fn = lambda x, i, s: torch.scatter_reduce(x, 0, i, s, reduce, include_self=self)
        case(name, fn, rnd(4, 3), ints(3, 5, 3), rnd(5, 3))
        odd = torch.tensor([2.0, float("nan"), 2, 5, 0, 3], dtype=torch.float64)
        if reduce in ("amax", "amin"):
            case(name, lambda x, i, s: fn(x, i, s).detach(), rnd(3), torch.tensor([0, 0, 1, 1, 2, 2]),
                 odd)
            ties = torch.tensor([1.0, 2, 2, 1, 1, 1], dtype=torch.float64)
            case(name, fn, torch.tensor([2.0, 1], dtype=torch.float64),
                 torch.tensor([0, 0, 0, 1, 1, 1]), ties)
        if reduce == "prod":
            zeros = torch.tensor([2.0, 0, 3, 0, 0, 3], dtype=torch.float64)
            case(name, fn, torch.tensor([2.0, 3, 0], dtype=torch.float64),
                 torch.tensor([0, 0, 1, 1, 1, 2]), zeros)
        if reduce == "mean":
            case(name, fn, torch.tensor([1, -5, 7]), torch.tensor([0, 0, 0, 1]),
                 torch.tensor([-9, 3, 1, -4]))
case("index_select_1", lambda x, i: torch.index_select(x, 1, i), rnd(2, 4, 3),
     torch.tensor([3, 0, 3]))
case("index_select_0", lambda x, i: torch.index_select(x, 0, i), rnd(4), torch.tensor([1, 1, 2]))
case("index_add_1", lambda x, i, s: torch.index_add(x, 1, i, s, alpha=2), rnd(2, 4, 3),
     torch.tensor([3, 0, 3]), rnd(2, 3, 3))
case("index_add_0", lambda x, i, s: torch.index_add(x, 0, i, s), torch.tensor([1, 2, 3]),
     torch.tensor([2, 2]), torch.tensor([10, 20]))
case("take_along_1", lambda x, i: torch.take_along_dim(x, i, 1), rnd(3, 4), ints(4, 1, 2))
case("take_along_1", lambda x, i: torch.take_along_dim(x, i, 1), rnd(1, 4), ints(4, 3, 2))
case("take_along_flat", lambda x, i: torch.take_along_dim(x, i), rnd(2, 3), torch.tensor([5, 0, 5]))

out = {"torch": torch.__version__.split("+")[0], "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
