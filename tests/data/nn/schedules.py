"""Makes schedules.json: the curves of torch.optim.lr_scheduler.

Run with a Python that has torch: python tests/data/nn/schedules.py
Two groups of rates 0.1 and 0.02; rates and momentum (beta1) are noted before the first step and
after each.
"""

import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler

warnings.simplefilter("ignore")  # about steps of the schedule without one of the optimizer
STEPS = 25


def nested(name, **options):
    return {"name": name, "options": options}


CASES = [
    nested("StepLR", step_size=4, gamma=0.3),
    nested("MultiStepLR", milestones=[3, 8, 8, 15], gamma=0.5),
    nested("ConstantLR"),
    nested("ConstantLR", factor=0.2, total_iters=9),
    nested("LinearLR"),
    nested("LinearLR", start_factor=0.1, end_factor=0.7, total_iters=10),
    nested("LinearLR", start_factor=1.0, end_factor=0.0, total_iters=12),
    nested("ExponentialLR", gamma=0.9),
    nested("PolynomialLR", total_iters=10, power=2.0),
    nested("PolynomialLR"),
    nested("CosineAnnealingLR", T_max=10),
    nested("CosineAnnealingLR", T_max=7, eta_min=0.01),
    nested("CosineAnnealingWarmRestarts", T_0=6),
    nested("CosineAnnealingWarmRestarts", T_0=3, T_mult=2, eta_min=0.001),
    nested("OneCycleLR", max_lr=0.5, total_steps=25),
    nested("OneCycleLR", max_lr=[0.5, 0.1], epochs=5, steps_per_epoch=6, pct_start=0.4,
           anneal_strategy="linear", three_phase=True, div_factor=10.0, final_div_factor=100.0,
           base_momentum=0.8, max_momentum=0.9),
    nested("OneCycleLR", max_lr=0.5, total_steps=40, cycle_momentum=False),
    nested("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=4),
    nested("CyclicLR", base_lr=[0.01, 0.02], max_lr=[0.1, 0.3], step_size_up=3, step_size_down=5,
           mode="triangular2", base_momentum=0.7),
    nested("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=5, mode="exp_range", gamma=0.95,
           cycle_momentum=False),
    nested("SequentialLR", milestones=[5],
           schedulers=[nested("LinearLR", start_factor=0.1, total_iters=5),
                       nested("CosineAnnealingLR", T_max=20)]),
    nested("SequentialLR", milestones=[3, 10],
           schedulers=[nested("ConstantLR", factor=0.5, total_iters=20),
                       nested("CosineAnnealingWarmRestarts", T_0=3),
                       nested("ExponentialLR", gamma=0.8)]),
    nested("SequentialLR", milestones=[2, 6, 11, 17],
           schedulers=[nested("StepLR", step_size=2), nested("MultiStepLR", milestones=[1, 3]),
                       nested("PolynomialLR", total_iters=4), nested("LinearLR"),
                       nested("ConstantLR")]),
    nested("ChainedScheduler",
           schedulers=[nested("ConstantLR", factor=0.1, total_iters=4),
                       nested("ExponentialLR", gamma=0.9)]),
    nested("ChainedScheduler",
           schedulers=[nested("CosineAnnealingLR", T_max=8, eta_min=0.001),
                       nested("MultiStepLR", milestones=[5, 20]),
                       nested("LinearLR", start_factor=0.5, total_iters=6)]),
    nested("ReduceLROnPlateau", patience=2, factor=0.5),
    nested("ReduceLROnPlateau", mode="max", patience=0, cooldown=2, threshold=0.05,
           threshold_mode="abs", min_lr=[0.01, 0.001]),
    nested("ReduceLROnPlateau", patience=1, threshold=0.2, factor=0.1, eps=1e-4),
    nested("LambdaLR"),
    nested("MultiplicativeLR"),
    nested("SWALR", swa_lr=0.05),
    nested("SWALR", swa_lr=[0.5, 0.001], anneal_epochs=6, anneal_strategy="linear"),
    nested("SWALR", swa_lr=0.3, anneal_epochs=0),
    nested("SequentialLR", milestones=[4],
           schedulers=[nested("ExponentialLR", gamma=0.8),
                       nested("SWALR", swa_lr=0.01, anneal_epochs=5)]),
]
torch.manual_seed(3)
METRICS = (torch.linspace(1, 0.5, STEPS, dtype=torch.float64) +
           0.2 * torch.rand(STEPS, dtype=torch.float64)).tolist()


def make(case, optimizer):
    options = dict(case["options"])
    if case["name"] == "LambdaLR":
        options["lr_lambda"] = [lambda e: 0.9**e, lambda e: 1 / (1 + e)]
    if case["name"] == "MultiplicativeLR":
        options["lr_lambda"] = lambda e: 0.9 + 0.001 * e
    if "schedulers" in options:
        options["schedulers"] = [make(s, optimizer) for s in options["schedulers"]]
    if case["name"] == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(**options, optimizer=optimizer)
    module = torch.optim.swa_utils if case["name"] == "SWALR" else lr_scheduler
    return getattr(module, case["name"])(optimizer, **options)


out = []
for number, case in enumerate(CASES):
    kind = "Adam" if number % 2 == 0 else "SGD"
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [{"params": [parameters[0]], "lr": 0.1}, {"params": [parameters[1]], "lr": 0.02}]
    extra = {"momentum": 0.9} if kind == "SGD" else {}
    optimizer = getattr(torch.optim, kind)(groups, **extra)
    schedule = make(case, optimizer)

    def now():
        rates = [g["lr"] for g in optimizer.param_groups]
        momentum = [g["momentum"] if kind == "SGD" else g["betas"][0]
                    for g in optimizer.param_groups]
        return rates + momentum

    curve = [now()]
    for step in range(STEPS - 1):
        if case["name"] == "ReduceLROnPlateau":
            schedule.step(METRICS[step])
        else:
            schedule.step()
        curve.append(now())
    out.append(case | {"optimizer": kind, "curve": curve})

data = {"torch": torch.__version__.split("+")[0], "metrics": METRICS, "cases": out}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(data) + "\n")
