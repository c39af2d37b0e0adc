#!/usr/bin/env python3
"""Writes lightning_loaders.json: Lightning 2.6 with several loaders, and with streams.

    python lightning_loaders.py     (with torch 2.15 and lightning 2.6 installed)

Model, data and what is noted are those of lightning_loops.py, with predictions and what validation
and test return; hooks of an evaluation's batches carry ":LOADER:BATCH". The second loader has 6
samples. tests/nn/trainer_loaders_test.cpp does the same.
"""

import json
import logging
import os

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lightning_loops import HOOKS, Net, Rows, recorder, wave

PREDICT = [h.replace("test", "predict") for h in HOOKS if "test" in h]
STAGES = ("validation", "test", "predict")


def numbered(base, prefix, calls, names):
    """recorder(), with the loader and batch of an evaluation's batches."""
    def make(name):
        def hook(self, *args, **kwargs):
            batch = name.endswith(("batch_start", "batch_end")) and any(s in name for s in STAGES)
            several = batch and isinstance(args[-2], int)
            at = (args[-1] if several else 0, args[-2] if several else args[-1]) if batch else ()
            calls.append(prefix + ":".join([name, *map(str, at)]))
            return getattr(base, name)(self, *args, **kwargs)
        return hook
    found = {name: make(name) for name in names if hasattr(base, name)}
    return type(base.__name__, (base,), found)


class Several(Net):
    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        how = self.case.get("log", "")
        if how == "own_names":
            self.log(f"val/loss_{dataloader_idx}", self.loss(batch), add_dataloader_idx=False)
        elif how == "same_name":
            self.log("val/loss", self.loss(batch), add_dataloader_idx=False)
        elif how == "on_step":
            self.log("val/loss", self.loss(batch), on_step=True, on_epoch=True, prog_bar=True)
        else:
            self.log("val/loss", self.loss(batch))
            self.log("val/max", self.loss(batch), reduce_fx="max")

    def on_validation_epoch_end(self):
        if self.case.get("log") == "at_end":
            self.log("val/end", 3.0)

    def test_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("test/loss", self.loss(batch))

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return self.fc(batch[0])


class Stream(IterableDataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        return iter(zip(self.x, self.y))


# several: two loaders; streams: which of train and val are; shuffle: of both, in fit.
CASES = {
    "two": dict(several=True, max_epochs=2),
    "two_limits": dict(several=True, limit_val_batches=1, limit_test_batches=0.5,
                       limit_predict_batches=1),
    "two_share": dict(several=True, limit_val_batches=0.5),
    "two_sanity": dict(several=True, num_sanity_val_steps=1),
    "two_sanity_all": dict(several=True, num_sanity_val_steps=-1),
    "two_interval": dict(several=True, val_check_interval=2),
    "two_own_names": dict(several=True, log="own_names"),
    "two_same_name": dict(several=True, log="same_name"),
    "two_on_step": dict(several=True, log="on_step", max_epochs=2),
    "one_on_step": dict(log="on_step", max_epochs=2),
    "two_at_end": dict(several=True, log="at_end"),
    "two_early": dict(several=True, max_epochs=9,
                      early=dict(monitor="val/loss/dataloader_idx_1", patience=2, min_delta=0.05)),
    "two_overfit": dict(several=True, shuffle=True, overfit_batches=2, max_epochs=2),
    "two_streams": dict(several=True, streams=["val"]),
    "two_streams_limit": dict(several=True, streams=["val"], limit_val_batches=1,
                              num_sanity_val_steps=1),
    "stream": dict(streams=["train"], max_epochs=2),
    "stream_limit": dict(streams=["train"], limit_train_batches=3, max_epochs=2),
    "stream_long_limit": dict(streams=["train"], limit_train_batches=9, max_epochs=2,
                              accumulate_grad_batches=3),
    "stream_accumulate": dict(streams=["train"], accumulate_grad_batches=3, max_epochs=2),
    "stream_interval": dict(streams=["train"], val_check_interval=2, max_epochs=2),
    "stream_interval_odd": dict(streams=["train"], val_check_interval=3),
    "stream_share": dict(streams=["train"], limit_train_batches=4, val_check_interval=0.5),
    "stream_max_steps": dict(streams=["train"], max_steps=6),
    "stream_over_epochs": dict(streams=["train"], check_val_every_n_epoch=None,
                               val_check_interval=3, max_epochs=2),
    "stream_scheduler": dict(streams=["train"], scheduler="epoch", max_epochs=3),
    "stream_sanity": dict(streams=["train", "val"], num_sanity_val_steps=2),
    "stream_fast": dict(streams=["train", "val"], fast_dev_run=2),
    "error_limit_train": dict(streams=["train"], limit_train_batches=0.5),
    "error_limit_val": dict(streams=["val"], limit_val_batches=0.5),
    "error_interval": dict(streams=["train"], val_check_interval=0.5),
    "error_interval_long": dict(val_check_interval=10),
    "error_limit_small": dict(limit_val_batches=0.1),
}


def run(case):
    case = dict(case)
    calls, losses, rows = [], [], Rows()
    several, streams = case.pop("several", False), case.pop("streams", [])
    shuffle = case.pop("shuffle", False)
    settings = {key: case.pop(key, None) for key in ("scheduler", "log")}
    names = HOOKS + PREDICT
    callbacks = [numbered(pl.Callback, "c.", calls, names)()]
    if "early" in case:
        callbacks.append(pl.callbacks.EarlyStopping(**case.pop("early")))
    module = numbered(Several, "m.", calls, names)(settings, losses)
    case.setdefault("num_sanity_val_steps", 0)
    case.setdefault("log_every_n_steps", 50)
    if "max_steps" not in case and "fast_dev_run" not in case:
        case.setdefault("max_epochs", 1)
    trainer = pl.Trainer(accelerator="cpu", logger=rows, callbacks=callbacks,
                         enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, **case)

    def loader(count, rate, phase, stride, kind, shuffle=False):
        x, y = wave((count, 3), rate, phase), torch.arange(count) * stride % 3 % 2
        data = Stream(x, y) if kind in streams else TensorDataset(x, y)
        return DataLoader(data, batch_size=4, shuffle=shuffle)

    def validation(shuffle):
        first = loader(16, 0.4, 0.2, 5, "val", shuffle)
        return [first, loader(6, 0.6, 0.5, 4, "val", shuffle)] if several else [first]

    train, val = loader(14, 0.7, 0.1, 7, "train", shuffle), validation(False)
    try:
        trainer.fit(module, train, validation(shuffle))
        lr = trainer.optimizers[0].param_groups[0]["lr"]
        validated = trainer.validate(module, val, verbose=False)
        trainer.test(module, val, verbose=False)
        predicted = trainer.predict(module, val)
    except Exception as e:
        return {"error": str(e)}
    predicted = predicted if several else [predicted]
    return {"hooks": calls, "losses": losses, "rows": rows.rows, "epoch": trainer.current_epoch,
            "global_step": trainer.global_step, "lr": lr, "validated": validated,
            "predicted": [[b.flatten().tolist() for b in loader] for loader in predicted],
            "weight": module.fc.weight.flatten().tolist()}


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    out = {name: run(case) for name, case in CASES.items()}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lightning_loaders.json")
    with open(path, "w") as f:
        json.dump(out, f, indent=None, separators=(",", ":"))
        f.write("\n")
