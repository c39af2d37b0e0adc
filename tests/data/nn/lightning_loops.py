#!/usr/bin/env python3
"""Writes lightning_loops.json: what Lightning 2.6 calls, logs and computes in small trainings.

    python lightning_loops.py     (with torch 2.15 and lightning 2.6 installed)

A linear model on 14 samples (16 for validation) of known numbers, weights as given here. For each
case: the hooks in their order (callback "c.", module "m."), the rows that a logger gets, the losses
of all batches, and the weights at the end. tests/nn/trainer_test.cpp does the same.
"""

import json
import math
import os
import warnings

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
HOOKS = """setup teardown on_fit_start on_fit_end on_sanity_check_start on_sanity_check_end
on_train_start on_train_end on_train_epoch_start on_train_epoch_end on_train_batch_start
on_train_batch_end on_before_zero_grad on_before_backward on_after_backward
on_before_optimizer_step on_validation_start on_validation_end on_validation_epoch_start
on_validation_epoch_end on_validation_batch_start on_validation_batch_end on_test_start
on_test_end on_test_epoch_start on_test_epoch_end on_test_batch_start on_test_batch_end""".split()


def wave(sizes, rate, phase):
    n = math.prod(sizes)
    return torch.tensor([math.sin(rate * i + phase) for i in range(n)]).reshape(sizes)


def recorder(base, prefix, calls, wanted):
    def make(name):
        def hook(self, *args, **kwargs):
            calls.append(prefix + name)
            return getattr(base, name)(self, *args, **kwargs)
        return hook
    return type(base.__name__, (base,), {name: make(name) for name in wanted if hasattr(base, name)})


class Net(pl.LightningModule):
    def __init__(self, case, losses):
        super().__init__()
        self.case, self.losses = case, losses
        self.fc = torch.nn.Linear(3, 2)
        with torch.no_grad():
            self.fc.weight.copy_(wave((2, 3), 0.9, 0.3))
            self.fc.bias.copy_(wave((2,), 0.9, 1.3))

    def loss(self, batch):
        return torch.nn.functional.cross_entropy(self.fc(batch[0]), batch[1])

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        self.losses.append(loss.item())
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        self.log("train/step_only", 2 * loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self.loss(batch))
        self.log("val/max", self.loss(batch), reduce_fx="max")

    def test_step(self, batch, batch_idx):
        self.log("test/loss", self.loss(batch))

    def on_train_epoch_end(self):
        self.log("train/at_end", float(self.current_epoch))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        kind = self.case.get("scheduler")
        if kind == "epoch":
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]
        if kind == "step":
            schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
            return {"optimizer": optimizer,
                    "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
        return optimizer


class Rows(pl.loggers.logger.Logger):
    def __init__(self):
        super().__init__()
        self.rows = []

    name = version = "rows"

    def log_hyperparams(self, *args, **kwargs):
        pass

    def log_metrics(self, metrics, step=None):
        self.rows.append({"step": step, **metrics})


CASES = {
    "plain": dict(max_epochs=2, log_every_n_steps=2),
    "accumulate": dict(max_epochs=2, log_every_n_steps=1, accumulate_grad_batches=2),
    "clip": dict(max_epochs=1, log_every_n_steps=1, gradient_clip_val=0.05),
    "clip_value": dict(max_epochs=1, log_every_n_steps=1, gradient_clip_val=0.02,
                       gradient_clip_algorithm="value"),
    "max_steps": dict(max_steps=6, log_every_n_steps=1),
    "limits": dict(max_epochs=3, limit_train_batches=3, limit_val_batches=0.5, log_every_n_steps=3),
    "val_interval": dict(max_epochs=1, val_check_interval=2, log_every_n_steps=2),
    "val_share": dict(max_epochs=2, val_check_interval=0.5, log_every_n_steps=5),
    "every_second": dict(max_epochs=3, check_val_every_n_epoch=2, log_every_n_steps=50),
    "over_epochs": dict(max_epochs=2, check_val_every_n_epoch=None, val_check_interval=3,
                        log_every_n_steps=50),
    "sanity": dict(max_epochs=1, num_sanity_val_steps=2, log_every_n_steps=50),
    "fast": dict(fast_dev_run=2),
    "scheduler_epoch": dict(max_epochs=3, log_every_n_steps=50, scheduler="epoch"),
    "scheduler_step": dict(max_epochs=2, log_every_n_steps=50, scheduler="step"),
    "early": dict(max_epochs=9, log_every_n_steps=50, early=dict(monitor="val/loss", patience=2,
                                                                  min_delta=0.05)),
    "min_epochs": dict(max_epochs=9, min_epochs=6, log_every_n_steps=50,
                       early=dict(monitor="val/loss", patience=2, min_delta=0.05)),
}


def run(case):
    case = dict(case)
    calls, losses, rows = [], [], Rows()
    callback = recorder(pl.Callback, "c.", calls, HOOKS)()
    extra = [pl.callbacks.EarlyStopping(**case.pop("early"))] if "early" in case else []
    module = recorder(Net, "m.", calls, HOOKS)({"scheduler": case.pop("scheduler", None)}, losses)
    x, y = wave((14, 3), 0.7, 0.1), torch.arange(14) * 7 % 3 % 2
    vx, vy = wave((16, 3), 0.4, 0.2), torch.arange(16) * 5 % 3 % 2
    case.setdefault("num_sanity_val_steps", 0)
    if "max_steps" not in case and "fast_dev_run" not in case:
        case.setdefault("max_epochs", 1)
    trainer = pl.Trainer(accelerator="cpu", logger=rows, callbacks=[callback] + extra,
                         enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, **case)
    train = DataLoader(TensorDataset(x, y), batch_size=4)
    val = DataLoader(TensorDataset(vx, vy), batch_size=4)
    trainer.fit(module, train, val)
    trainer.test(module, val, verbose=False)
    return {"hooks": calls, "losses": losses, "rows": rows.rows, "epoch": trainer.current_epoch,
            "global_step": trainer.global_step, "lr": trainer.optimizers[0].param_groups[0]["lr"]
            if trainer.optimizers else module.optimizers().param_groups[0]["lr"],
            "weight": module.fc.weight.flatten().tolist()}


def main():
    import logging
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    out = {name: run(case) for name, case in CASES.items()}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lightning_loops.json")
    with open(path, "w") as f:
        json.dump(out, f, indent=None, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
