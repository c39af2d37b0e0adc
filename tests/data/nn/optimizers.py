"""Makes optimizers.json and optimizers.safetensors: twenty steps of torch.optim, and L-BFGS.

Run with a Python that has torch and safetensors: python tests/data/nn/optimizers.py
Four parameters in two groups, the third without gradients; gradients are given, in float64. Lion
and LAMB, which torch.optim lacks, are written out below from their papers.
"""

import json
import math
import pathlib

import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)  # also that of NAdam's mu_product
STEPS = 20
SHAPES = [(2, 3), (3,), (2,), (3, 2)]
GROUPS = [[0, 1, 2], [3]]
# name, options, and what the second group has for itself.
CASES = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}, {"lr": 0.01}),
    ("AdamW", {"lr": 0.01}, {"weight_decay": 0.3}),
    ("RMSprop", {}, {"lr": 0.05}),
    ("RMSprop", {"momentum": 0.9, "weight_decay": 0.1, "alpha": 0.9}, {"maximize": True}),
    ("RMSprop", {"centered": True, "eps": 1e-4}, {"weight_decay": 0.2}),
    ("RMSprop", {"centered": True, "momentum": 0.7, "maximize": True, "eps": 1e-3}, {"lr": 0.003}),
    ("Adagrad", {"lr": 0.1}, {"lr": 0.5}),
    ("Adagrad", {"lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5},
     {"maximize": True}),
    ("Adadelta", {}, {"lr": 0.5}),
    ("Adadelta", {"rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}, {}),
    ("Adamax", {"lr": 0.02}, {"weight_decay": 0.1}),
    ("Adamax", {"betas": [0.7, 0.9], "eps": 1e-3, "maximize": True}, {"lr": 0.1}),
    ("NAdam", {"lr": 0.02}, {"weight_decay": 0.1}),
    ("NAdam", {"betas": [0.8, 0.95], "momentum_decay": 0.1, "weight_decay": 0.2,
               "decoupled_weight_decay": True}, {"maximize": True}),
    ("RAdam", {"lr": 0.05}, {"weight_decay": 0.1}),
    ("RAdam", {"betas": [0.8, 0.9], "weight_decay": 0.2, "decoupled_weight_decay": True,
               "eps": 1e-4}, {"maximize": True}),
    ("Adafactor", {}, {"weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.2, "beta2_decay": -0.5, "eps": [1e-5, 1e-2], "d": 2.0,
                   "maximize": True}, {"lr": 0.4}),
    ("Lion", {"lr": 0.01}, {"weight_decay": 0.3}),
    ("Lion", {"lr": 0.02, "betas": [0.8, 0.9], "maximize": True}, {"lr": 0.1}),
    ("LAMB", {"lr": 0.01}, {"weight_decay": 0}),
    ("LAMB", {"lr": 0.1, "betas": [0.8, 0.9], "eps": 1e-3, "weight_decay": 0.2},
     {"maximize": True}),
    ("Muon", {"lr": 0.1}, {"weight_decay": 0.3}),
    ("Muon", {"lr": 0.1, "nesterov": False, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
     {"momentum": 0.5}),
    ("Muon", {"lr": 0.1, "adjust_lr_fn": "spectral_unclamped", "eps": 0.1,
              "ns_coefficients": [3.0, -3.2, 1.2]}, {}),
]


class Formula(torch.optim.Optimizer):
    """An optimizer of one function of a parameter, its gradient, state and options."""

    def __init__(self, params, **options):
        super().__init__(params, self.defaults_ | options)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                state["step"] = state.get("step", 0) + 1
                for name in self.buffers_:
                    state.setdefault(name, torch.zeros_like(p))
                self.change(p, -p.grad if group["maximize"] else p.grad, state, group)


class Lion(Formula):
    """Chen et al. 2023, algorithm 2."""

    defaults_ = {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0, "maximize": False}
    buffers_ = ["exp_avg"]

    def change(self, p, g, state, o):
        b1, b2 = o["betas"]
        m = state["exp_avg"]
        direction = torch.sign(b1 * m + (1 - b1) * g)
        p.sub_(o["lr"] * (direction + o["weight_decay"] * p))
        m.copy_(b2 * m + (1 - b2) * g)


class LAMB(Formula):
    """You et al. 2020, algorithm 2, with phi(z) = z."""

    defaults_ = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-6, "weight_decay": 0.01,
                 "maximize": False}
    buffers_ = ["exp_avg", "exp_avg_sq"]

    def change(self, p, g, state, o):
        (b1, b2), t = o["betas"], state["step"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m.copy_(b1 * m + (1 - b1) * g)
        v.copy_(b2 * v + (1 - b2) * g * g)
        r = (m / (1 - b1**t)) / (torch.sqrt(v / (1 - b2**t)) + o["eps"])
        u = r + o["weight_decay"] * p
        size, length = p.norm().item(), u.norm().item()
        p.sub_(o["lr"] * (size / length if size > 0 and length > 0 else 1.0) * u)


def make(name, groups, options):
    own = {"Lion": Lion, "LAMB": LAMB}
    if name in own:
        return own[name](groups, **options)
    extra = {} if name == "Muon" else {"foreach": False}
    return getattr(torch.optim, name)(groups, **options, **extra)


def trajectories(tensors):
    torch.manual_seed(1)
    start = [torch.randn(s) for s in SHAPES]
    grads = [torch.randn(STEPS, *s) * 10 ** (torch.rand(s) * 3 - 2) for s in SHAPES]
    for i, (s, g) in enumerate(zip(start, grads)):
        tensors[f"start.{i}"], tensors[f"grads.{i}"] = s, g
    cases = []
    for number, (name, options, second) in enumerate(CASES):
        used = [[i for i in g if name != "Muon" or len(SHAPES[i]) == 2] for g in GROUPS]
        params = {i: start[i].clone().requires_grad_() for g in used for i in g}
        groups = [{"params": [params[i] for i in used[0]]},
                  {"params": [params[i] for i in used[1]], **second}]
        optimizer = make(name, groups, options)
        path = {i: [] for i in params if i != 2}
        for t in range(STEPS):
            for i, p in params.items():
                p.grad = grads[i][t].clone() if i != 2 else None
            optimizer.step()
            for i in path:
                path[i].append(params[i].detach().clone())
        for i in path:
            tensors[f"case.{number}.{i}"] = torch.stack(path[i])
        state = optimizer.state[params[0]]
        cases.append({"name": name, "options": options, "second": second, "params": used,
                      "state": sorted(k for k, v in state.items() if v is not None)})
    return cases


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def lbfgs():
    """Losses and parameters of the Rosenbrock function of five numbers in two tensors."""
    runs = []
    for options, steps in [({"lr": 0.001, "max_iter": 10}, 8),
                           ({"line_search_fn": "strong_wolfe"}, 5),
                           ({"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 3,
                             "lr": 0.5}, 6),
                           ({"line_search_fn": "strong_wolfe", "maximize": True, "max_iter": 3,
                             "max_eval": 9}, 4)]:
        sign = -1 if options.get("maximize") else 1
        a = torch.tensor([-1.2, 1.0]).requires_grad_()
        b = torch.tensor([0.5, -0.7, 1.3]).requires_grad_()
        optimizer = torch.optim.LBFGS([a, b], **options)
        losses, points = [], []

        def closure():
            optimizer.zero_grad()
            loss = sign * rosenbrock(torch.cat([a, b]))
            loss.backward()
            return loss

        for _ in range(steps):
            losses.append(optimizer.step(closure).item())
            points.append(torch.cat([a, b]).tolist())
        runs.append({"options": options, "losses": losses, "points": points,
                     "func_evals": optimizer.state[a]["func_evals"],
                     "n_iter": optimizer.state[a]["n_iter"]})
    return runs


def averages():
    """EMA and SWA of a parameter as torch.optim.swa_utils has them."""
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

    out = {}
    for kind, fn in [("ema", get_ema_multi_avg_fn(0.9)), ("swa", get_swa_multi_avg_fn())]:
        model = torch.nn.Linear(2, 1, bias=False)
        averaged = AveragedModel(model, multi_avg_fn=fn)
        path = []
        for t in range(5):
            with torch.no_grad():
                model.weight.copy_(torch.tensor([[math.sin(t + 1.0), math.cos(t * 2.0)]]))
            averaged.update_parameters(model)
            path.append(averaged.module.weight.flatten().tolist())
        out[kind] = path
    return out


tensors = {}
data = {"torch": torch.__version__.split("+")[0], "steps": STEPS, "cases": trajectories(tensors),
        "lbfgs": lbfgs(), "averages": averages()}
file = pathlib.Path(__file__)
file.with_suffix(".json").write_text(json.dumps(data) + "\n")
save_file({k: v.contiguous() for k, v in tensors.items()}, file.with_suffix(".safetensors"))
