#!/usr/bin/env python3
"""Writes vision.safetensors: images rotated and coloured by torchvision's functions.

    python vision.py     (with torch 2.15, torchvision 0.29 and safetensors installed)

"in.KIND" are the images; every other entry is a result for parameters given in the metadata's
"cases", a list of JSON objects. tests/nn/data_vision_test.cpp does the same.
"""

import json
import os

import torch
from safetensors.torch import save_file
from torchvision.transforms.v2 import functional as F

generator = torch.Generator().manual_seed(5)


def image(channels, height, width):
    return torch.randint(0, 256, (channels, height, width), generator=generator, dtype=torch.uint8)


# Both sizes odd or both even: else quarter turns lie between two pixels, and rounding decides.
IMAGES = {"rgb": image(3, 6, 6), "wide": image(3, 5, 9), "grey": image(1, 7, 5)}
# Corners of the colours' cube, greys, and black and white, for the hue.
cube = torch.tensor([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255],
                     [255, 0, 255], [255, 255, 255], [128, 128, 128], [1, 2, 3], [254, 255, 254],
                     [77, 77, 78]], dtype=torch.uint8)
IMAGES["cube"] = cube.T.reshape(3, 3, 4).contiguous()
tensors, cases = {}, []


def add(kind, is_float, name, out, **parameters):
    key = f"{len(cases)}"
    tensors[key] = out.clone(memory_format=torch.contiguous_format)
    cases.append({"out": key, "image": kind, "float": is_float, "name": name, **parameters})


for kind, bytes_ in IMAGES.items():
    tensors["in." + kind] = bytes_
    for is_float in (False, True):
        x = bytes_.float() / 255 if is_float else bytes_
        fill = [0.25] if is_float else [37]
        fills = [[0], fill, [v * (i + 1) for i, v in enumerate(fill * x.shape[0])]]
        if kind != "cube":
            for i, angle in enumerate((0, 90, 180, 270, -30, 12.5, 45, 361, 200.25, 137)):
                for mode in ("nearest", "bilinear"):
                    for expand in (False, True):
                        f = fills[i % 3]
                        out = F.rotate(x, angle, interpolation=mode, expand=expand, fill=f)
                        add(kind, is_float, "rotate", out, angle=angle, mode=mode, expand=expand,
                            fill=f)
            for mode in ("nearest", "bilinear"):
                out = F.rotate(x, 33, interpolation=mode, center=[2, 5], fill=fill)
                add(kind, is_float, "rotate", out, angle=33, mode=mode, expand=False, fill=fill,
                    center=[2, 5])
        for factor in (0, 0.35, 1, 1.7):
            for name in ("brightness", "contrast", "saturation"):
                out = getattr(F, "adjust_" + name)(x, factor)
                add(kind, is_float, name, out, factor=factor)
        for factor in (-0.5, -0.21, 0, 0.1, 0.37, 0.5):
            add(kind, is_float, "hue", F.adjust_hue(x, factor), factor=factor)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vision.safetensors")
save_file(tensors, path, {"cases": json.dumps(cases, separators=(",", ":"))})
