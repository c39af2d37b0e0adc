#!/usr/bin/env python3
"""Writes lightning_swa.json: Lightning 2.6's StochasticWeightAveraging, and torch's update_bn.

    python lightning_swa.py     (with torch 2.15 and lightning 2.6 installed)

Model, data and what is noted are those of lightning_loops.py, with the average's weights and, in
cases with "norm", a BatchNorm1d before the linear layer with its statistics. "rates" are those of
each batch. tests/nn/swa_test.cpp does the same.
"""

import json
import logging
import os

import lightning.pytorch as pl
import torch
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, TensorDataset

from lightning_loops import HOOKS, Net, Rows, recorder, wave


class NormNet(Net):
    def __init__(self, case, losses, rates):
        super().__init__(case, losses)
        self.rates = rates
        self.norm = torch.nn.BatchNorm1d(3) if case.get("norm") else torch.nn.Identity()

    def loss(self, batch):
        return torch.nn.functional.cross_entropy(self.fc(self.norm(batch[0])), batch[1])

    def training_step(self, batch, batch_idx):
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return super().training_step(batch, batch_idx)


CASES = {
    "share": dict(swa=dict(swa_lrs=0.05), max_epochs=6),
    "cosine": dict(swa=dict(swa_lrs=0.02, swa_epoch_start=2, annealing_epochs=3), max_epochs=6),
    "linear": dict(swa=dict(swa_lrs=[0.3], swa_epoch_start=0.5, annealing_epochs=4,
                            annealing_strategy="linear"), max_epochs=7),
    "at_once": dict(swa=dict(swa_lrs=0.03, swa_epoch_start=1, annealing_epochs=0), max_epochs=3),
    "scheduler": dict(swa=dict(swa_lrs=0.05, swa_epoch_start=3, annealing_epochs=2), max_epochs=6,
                      scheduler="epoch"),
    "norm": dict(swa=dict(swa_lrs=0.05, swa_epoch_start=2, annealing_epochs=2), max_epochs=4,
                 norm=True),
    "norm_accumulate": dict(swa=dict(swa_lrs=0.05, swa_epoch_start=2, annealing_epochs=2),
                            max_epochs=3, norm=True, accumulate_grad_batches=3),
}


def run(case):
    case = dict(case)
    calls, losses, rates, rows = [], [], [], Rows()
    settings = {key: case.pop(key, None) for key in ("scheduler", "norm")}
    module = recorder(NormNet, "m.", calls, HOOKS)(settings, losses, rates)
    swa = pl.callbacks.StochasticWeightAveraging(**case.pop("swa"))
    x, y = wave((14, 3), 0.7, 0.1), torch.arange(14) * 7 % 3 % 2
    vx, vy = wave((16, 3), 0.4, 0.2), torch.arange(16) * 5 % 3 % 2
    trainer = pl.Trainer(accelerator="cpu", logger=rows, callbacks=[swa], num_sanity_val_steps=0,
                         log_every_n_steps=50, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False, **case)
    train = DataLoader(TensorDataset(x, y), batch_size=4)
    trainer.fit(module, train, DataLoader(TensorDataset(vx, vy), batch_size=4))
    average = swa._average_model
    out = {"hooks": calls, "losses": losses, "rates": rates, "rows": rows.rows,
           "epoch": trainer.current_epoch, "global_step": trainer.global_step,
           "max_epochs": trainer.max_epochs, "n_averaged": swa.state_dict()["n_averaged"],
           "weight": module.fc.weight.flatten().tolist(),
           "average": average.fc.weight.flatten().tolist()}
    if settings["norm"]:
        out["mean"] = module.norm.running_mean.tolist()
        out["var"] = module.norm.running_var.tolist()
        out["batches"] = module.norm.num_batches_tracked.item()
        out["momentum"] = module.norm.momentum
    return out


def updated():
    """update_bn of two normalisations in a row, one of them without statistics so far."""
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3, momentum=0.3), torch.nn.Linear(3, 2),
                                torch.nn.BatchNorm1d(2, momentum=None))
    with torch.no_grad():
        model[1].weight.copy_(wave((2, 3), 0.9, 0.3))
        model[1].bias.copy_(wave((2,), 0.9, 1.3))
    model(wave((5, 3), 1.1, 0.4))
    model.eval()
    x, y = wave((14, 3), 0.7, 0.1), torch.zeros(14)
    update_bn(DataLoader(TensorDataset(x, y), batch_size=4), model)
    return {f"{i}.{name}": getattr(model[i], name).tolist() for i in (0, 2)
            for name in ("running_mean", "running_var", "num_batches_tracked")}


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    data = {"cases": {name: run(case) for name, case in CASES.items()}, "update_bn": updated()}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lightning_swa.json")
    with open(path, "w") as f:
        json.dump(data, f, indent=None, separators=(",", ":"))
        f.write("\n")
