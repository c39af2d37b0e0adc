"""Makes resize.json: images resized by torch.nn.functional.interpolate, as torchvision's Resize does.

Run with a Python that has torch: python tests/data/nn/resize.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

cases = []
for rows, columns, height, width in ((8, 8, 4, 4), (7, 9, 5, 12), (5, 6, 11, 3), (4, 4, 9, 9)):
    image = torch.arange(rows * columns, dtype=torch.float32).mul(37).remainder(101).view(1, 1, rows, columns)
    for antialias in (True, False):
        out = F.interpolate(image, (height, width), mode="bilinear", antialias=antialias)
        cases.append({"rows": rows, "columns": columns, "height": height, "width": width,
                      "antialias": antialias, "out": out.flatten().tolist()})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, indent=0) + "\n")
