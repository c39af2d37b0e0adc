"""Makes normalize.json: what PyTorch makes of each byte by ToTensor and Normalize.

Run with a Python that has torch: python tests/data/nn/normalize.py
The results are float32 bits. torchvision's ToTensor divides by 255, Normalize subtracts the mean
and divides by the deviation, all in float32.
"""

import json
import pathlib

import torch

cases = []
for mean, std in ((0.0, 1.0), (0.2860, 0.3530), (0.1307, 0.3081), (0.5, 0.5)):
    x = torch.arange(256, dtype=torch.uint8).to(torch.float32).div(255)
    x.sub_(torch.tensor(mean)).div_(torch.tensor(std))
    cases.append({"mean": mean, "std": std, "bits": x.view(torch.int32).tolist()})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
