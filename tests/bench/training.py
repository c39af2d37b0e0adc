#!/usr/bin/env python3
"""Compares training by `iolaus train` with PyTorch's plain loop and with Lightning's trainer.

    tests/bench/training.py PROGRAM PYTHON_WITH_TORCH_AND_LIGHTNING [--threads N] [--rounds N]
                            [--device cpu|cuda] [--also NAME:OVERRIDE[,OVERRIDE...] ...]
                            [--only iolaus]
    tests/bench/training.py PROGRAM PYTHON --curves 50

Five models of apps/conf/model on Fashion-MNIST, batch 64, SGD with momentum. Each is run for few
and for many steps; the difference of the two times, divided by the steps between them, is one step
with everything that belongs to it (data, logging, checkpoints), and nothing of the start. The three
take turns; medians and ratios are printed. PyTorch's loop has the whole normalised data in the device's
memory and takes batches by index, which is its fastest way; Lightning has its DataLoader, a CSV logger and
a checkpoint at the end, as Iolaus has. --also adds Iolaus with other settings, in the same rounds, and how
much faster they are than its first column.

--curves N compares the losses of N steps instead: the same weights, data and order in Iolaus and in
Lightning, without dropout. Prints the largest relative difference for each model.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = {"cpu": {"mlp": (500, 5500), "lenet": (200, 1700), "cnn": (30, 130), "resnet": (20, 80),
                  "transformer": (20, 120)},
          "cuda": {"mlp": (300, 2300), "lenet": (200, 1200), "cnn": (200, 1000),
                   "resnet": (200, 800), "transformer": (200, 800)}}
SGD = ["optimizer=sgd", "optimizer.nesterov=false", "optimizer.weight_decay=0"]


def iolaus(program, model, steps, threads, device="cpu", more=()):
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        subprocess.run([program, "train", f"model={model}", *SGD, "scheduler=none",
                        f"trainer.max_steps={steps}", "trainer.max_epochs=-1",
                        f"device={device}", *more, "test=false", f"threads={threads}", "trainer.enable_progress_bar=false",
                        f"hydra.run.dir={folder}"], check=True, capture_output=True)
        return time.perf_counter() - begin


def curve(program, model, steps, rate, torch):
    """Losses of both, from the weights that Iolaus begins with (a step with the rate 0 keeps them)."""
    with tempfile.TemporaryDirectory() as folder:
        def train(run, count, lr):
            subprocess.run(
                [program, "train", f"model={model}", *SGD, "scheduler=none", "device=cpu",
                 "data.shuffle=false", f"trainer.max_steps={count}", "trainer.max_epochs=-1",
                 "test=false", f"optimizer.lr={lr}", "trainer.log_every_n_steps=1",
                 "trainer.enable_progress_bar=false", f"hydra.run.dir={folder}/{run}",
                 *(["model.layers.dropout.p=0"] if model == "cnn" else []),
                 *(["model.layers.encoder.encoder_layer.dropout=0"] if model == "transformer"
                   else [])], check=True, capture_output=True)
        train("start", 1, 0)
        train("run", steps, rate)
        with open(f"{folder}/run/metrics.csv") as f:
            rows = [row["train/loss_step"] for row in csv.DictReader(f)]
        ours = [float(x) for x in rows if x]
        theirs = torch.run("curve", model, [steps, rate, f"{folder}/start/checkpoints/last.ckpt"])
    return max(abs(a - b) / b for a, b in zip(ours, theirs)), len(ours)


class Worker:
    """One Python process that trains on request."""

    def __init__(self, python, threads, device):
        self.process = subprocess.Popen([python, os.path.abspath(__file__), "--worker",
                                         str(threads), device], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def run(self, kind, model, steps):
        print(json.dumps([kind, model, steps]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def worker(threads, device):
    import gzip
    import logging
    import warnings

    import lightning.pytorch as pl
    import numpy
    import torch
    import yaml
    from torch.utils.data import DataLoader, TensorDataset

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(threads)
    data = "/usr/share/datasets/fashion-mnist/train-%s-ubyte.gz"

    def idx(name, head):
        with gzip.open(data % name) as f:
            return torch.from_numpy(numpy.frombuffer(f.read()[head:], dtype=numpy.uint8).copy())

    x = idx("images-idx3", 16).reshape(-1, 1, 28, 28).float().div_(255).sub_(0.2860).div_(0.3530)
    y = idx("labels-idx1", 8).long()
    near_x, near_y = x.to(device), y.to(device)

    class Residual(torch.nn.Module):
        def __init__(self, body, shortcut):
            super().__init__()
            self.body, self.shortcut = body, shortcut or torch.nn.Identity()

        def forward(self, t):
            return self.body(t) + self.shortcut(t)

    class PositionEmbedding(torch.nn.Module):
        def __init__(self, length, embedding_dim):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(length, embedding_dim) * 0.02)

        def forward(self, t):
            return t + self.weight

    class Mean(torch.nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.dim = dim

        def forward(self, t):
            return t.mean(self.dim)

    def build(node):
        if isinstance(node, dict) and "_target_" in node:
            kind = node["_target_"].split(".")[-1]
            args = {k: build(v) for k, v in node.items() if k != "_target_"}
            if "layers" in args:
                body = torch.nn.Sequential(*args["layers"].values())
                return Residual(body, args.get("shortcut")) if kind == "Residual" else body
            own = {"PositionEmbedding": PositionEmbedding, "Mean": Mean}
            return (own.get(kind) or getattr(torch.nn, kind))(**args)
        return {k: build(v) for k, v in node.items()} if isinstance(node, dict) else node

    def make(model):
        with open(os.path.join(ROOT, "apps/conf/model", model + ".yaml")) as f:
            net = build(yaml.safe_load(f))
        net.source = model
        return net

    def plain(model, steps):
        net = make(model).to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        done = 0
        begin = time.perf_counter()
        while True:
            order = torch.randperm(len(x), device=device)
            for i in range(0, len(x), 64):
                if done == steps:
                    if device == "cuda":
                        torch.cuda.synchronize()
                    return time.perf_counter() - begin
                index = order[i:i + 64]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(near_x[index]), near_y[index]).backward()
                optimizer.step()
                done += 1

    class Net(pl.LightningModule):
        def __init__(self, net, rate=0.05):
            super().__init__()
            self.net, self.rate = net, rate

        def training_step(self, batch, batch_idx):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.rate, momentum=0.9)

    def lightning(model, steps):
        with tempfile.TemporaryDirectory() as folder:
            trainer = pl.Trainer(accelerator=device, max_steps=steps, enable_progress_bar=False,
                                 enable_model_summary=False, default_root_dir=folder,
                                 logger=pl.loggers.CSVLogger(folder))
            loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True,
                                pin_memory=device == "cuda")
            net = Net(make(model))
            begin = time.perf_counter()
            trainer.fit(net, loader)
            return time.perf_counter() - begin

    def curve_of(model, request):
        from safetensors.torch import load_file
        steps, rate, folder = request
        net = Net(make(model), rate)
        net.net.load_state_dict(rename(load_file(folder + "/model.safetensors"), net.net))
        for part in net.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
            if isinstance(part, torch.nn.MultiheadAttention):
                part.dropout = 0.0
        losses = []
        step = net.training_step
        net.training_step = lambda *a: losses.append(step(*a)) or losses[-1]
        trainer = pl.Trainer(accelerator="cpu", max_steps=steps, enable_progress_bar=False,
                             enable_model_summary=False, logger=False, enable_checkpointing=False)
        trainer.fit(net, DataLoader(TensorDataset(x, y), batch_size=64))
        return [loss.item() for loss in losses]

    # Residual's parts and Sequential's layers have names in Iolaus and numbers here.
    def rename(weights, net):
        return dict(zip(net.state_dict(), (weights[name] for name in names_of(net))))

    def names_of(net):
        names = {}
        with open(os.path.join(ROOT, "apps/conf/model", net.source + ".yaml")) as f:
            walk(yaml.safe_load(f), net, "", "", names)
        return [names[name] for name in net.state_dict()]

    def walk(node, part, ours, theirs, names):
        """The name here of each parameter there."""
        if isinstance(part, Residual):
            walk({"layers": node["layers"], "_target_": "Sequential"}, part.body, ours,
                 theirs + "body.", names)
            if "shortcut" in node:
                walk(node["shortcut"], part.shortcut, ours + "shortcut.", theirs + "shortcut.", names)
        elif isinstance(part, torch.nn.Sequential):
            for i, (name, child) in enumerate(node["layers"].items()):
                walk(child, part[i], ours + name + ".", f"{theirs}{i}.", names)
        else:
            for name in part.state_dict():
                names[theirs + name] = ours + name

    for line in sys.stdin:
        kind, model, steps = json.loads(line)
        print({"plain": plain, "lightning": lightning, "curve": curve_of}
              [kind](model, steps), flush=True)


def main():
    if sys.argv[1:2] == ["--worker"]:
        return worker(int(sys.argv[2]), sys.argv[3])
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("python")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curves", type=int, help="steps")
    parser.add_argument("--rate", type=float, default=0.05, help="of --curves")
    parser.add_argument("--models", nargs="*", default=list(MODELS["cpu"]))
    parser.add_argument("--device", choices=list(MODELS), default="cpu")
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME:OVERRIDE,...")
    parser.add_argument("--only", choices=["iolaus", "plain", "lightning"])
    args = parser.parse_args()
    torch = None if args.only == "iolaus" else Worker(args.python, args.threads, args.device)
    if args.curves:
        for model in args.models:
            worst, count = curve(args.program, model, args.curves, args.rate, torch)
            print(f"{model:<14}{count} steps, largest relative difference {worst:.2e}", flush=True)
        return 0
    more = {name: overrides.split(",") for name, overrides in
            (text.split(":", 1) for text in args.also)}
    print(f"{'model':<12}{'Iolaus ms':>11}{'PyTorch ms':>12}{'Lightning ms':>14}{'/PyTorch':>10}"
          f"{'/Lightning':>12}" + "".join(f"{name + ' ms':>12}{'gain':>6}" for name in more))
    for model in args.models:
        few, many = MODELS[args.device][model]

        def ours(overrides):
            return lambda n: iolaus(args.program, model, n, args.threads, args.device, overrides)

        runs = {"iolaus": ours([]), "plain": lambda n: torch.run("plain", model, n),
                "lightning": lambda n: torch.run("lightning", model, n)}
        runs |= {name: ours(overrides) for name, overrides in more.items()}
        times = {name: [] for name in runs}
        for _ in range(args.rounds):
            for name, run in runs.items():
                if args.only in (None, name) or name in more:
                    times[name].append((run(many) - run(few)) / (many - few) * 1e3)
        a, b, c, *others = (statistics.median(times[name] or [float("nan")]) for name in runs)
        print(f"{model:<12}{a:>11.3f}{b:>12.3f}{c:>14.3f}{b / a:>10.2f}{c / a:>12.2f}" +
              "".join(f"{t:>12.3f}{a / t:>6.2f}" for t in others), flush=True)
    return 0


sys.exit(main())
