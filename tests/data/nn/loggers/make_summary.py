"""Makes summary.json: Lightning's ModelSummary of a small network, as text, for several depths.

Run with a Python that has pytorch_lightning: python tests/data/nn/loggers/make_summary.py
"""

import json
import pathlib

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.model_summary import ModelSummary
from torch import nn


class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8),
                                  nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1, groups=2), nn.Flatten())
        self.unused = nn.Linear(4, 4)
        self.head = nn.Linear(16 * 16, 1000)
        self.scale = nn.Parameter(torch.ones(1000))

    def forward(self, x):
        return self.head(self.body(self.stem(x))) * self.scale


out = {"lightning": pl.__version__}
for example in (False, True):
    for depth in (-1, 0, 1, 2):
        net = Net()
        net.body[0].requires_grad_(False)
        net.body.eval()
        if example:
            net.example_input_array = torch.zeros(2, 3, 8, 8)
        out[f"{'example' if example else 'plain'} {depth}"] = str(ModelSummary(net, max_depth=depth))
pathlib.Path(__file__).with_name("summary.json").write_text(json.dumps(out, indent=0) + "\n")
