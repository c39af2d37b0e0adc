"""Makes print.json: tensors and the text that PyTorch prints for them.

Run with a Python that has torch: python tests/data/core/print.py
Small tensors carry their bytes; large ones are base + scale * arange, computed in float64.
"""

import json
import pathlib

import torch

cases = []
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
          torch.int16, torch.int8, torch.uint8, torch.bool]


def name(dtype):
    return str(dtype).removeprefix("torch.")


def raw(t):
    flat = t.detach().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).tolist()).hex() if flat.numel() else ""


def add(t, permute=None, **source):
    shape = list(t.shape)
    shown = t.permute(permute) if permute else t
    case = {"dtype": name(t.dtype), "shape": shape, "text": str(shown)}
    if permute:
        case["permute"] = permute
    if t.requires_grad:
        case["requires_grad"] = True
    cases.append(case | (source or {"bytes": raw(t)}))


def arange(shape, dtype=torch.float32, base=0.0, scale=1.0, permute=None):
    count = 1
    for n in shape:
        count *= n
    t = (base + scale * torch.arange(count, dtype=torch.float64)).to(dtype).reshape(shape)
    add(t, permute, base=base, scale=scale)


def main():
    inf, nan = float("inf"), float("nan")
    rows = [
        [1.0, 2.0, 3.0], [1.5, 2.25, -3.125], [0.0], [-0.0, 0.0], [0.1, 0.2, 0.3],
        [1e-5, 1.0], [1e5, 1.0], [1e4, 12.0], [1000.0, 1.0], [1001.0, 1.0], [1e8, 1e7],
        [1.00000001e8, 1e8], [2e8, 1e8], [123456789.0], [1e-4], [9.9e-5], [1e-38, 1.0], [1e-45],
        [3.4e38, 1.0], [inf], [nan], [-inf, nan], [inf, 1.0], [nan, 1.0], [-inf, 1.0],
        [inf, 1.5], [nan, -1.5, 2.0], [1e10, inf, nan, -inf, 1.0], [nan, 1e-6, 0.3],
        [100.0, inf, -nan], [0.99999], [0.00004, 0.00005], [12345.678, 99.0], [2.5, 3.5, 4.5],
        [0.12345, 0.12355], [1.0] * 30, [0.5] * 40, [-7.0] * 27, [1e-7] * 11, [0.0, 0.0, nan],
        [99999.0, 100.5], [8388608.0, 16777216.0],
    ]
    for row in rows:
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            add(torch.tensor(row, dtype=torch.float64).to(dtype))
        add(torch.tensor(row[0]))
    for dtype in DTYPES:
        add(torch.tensor([], dtype=dtype))
        add(torch.empty(0, 3, dtype=dtype))
        add(torch.empty(2, 0, 4, dtype=dtype))
        add(torch.tensor(1, dtype=dtype))
        add(torch.tensor([[0, 1], [1, 1]], dtype=dtype))
        arange([2, 3, 4], dtype)
        arange([3, 1, 2, 2], dtype)
        arange([1001], dtype, scale=0.1)
        arange([20], dtype)
        arange([12, 100], dtype, base=-5, scale=0.01)
    for value in (-(2**63), 2**63 - 1, 0, -1):
        add(torch.tensor([value, 1]))
        add(torch.tensor(value))
    add(torch.tensor([-128, 127, 0], dtype=torch.int8))
    add(torch.tensor([[True, False], [False, False]]))
    arange([999])
    arange([1000], scale=0.1)
    for count in (1, 5, 6, 7, 8, 100, 1001, 5000):
        arange([count])
        arange([count], torch.int64, base=-7)
        arange([count], scale=0.37)
        arange([count], torch.float16, scale=0.37)
    arange([1000, 1])
    for shape in ([7, 7], [1, 1001], [1001, 1], [6, 200], [7, 200], [200, 6], [200, 7],
                  [10, 10, 11], [2, 3, 200], [3, 7, 7, 7], [1, 1, 1, 1], [2, 2, 2, 2, 2],
                  [1, 28, 28], [64, 1, 28, 28]):
        arange(shape)
        arange(shape, scale=1 / 64)
        arange(shape, torch.int32)
        arange(shape, scale=1e-6)
    arange([4, 5], permute=[1, 0])
    arange([40, 50], permute=[1, 0])
    arange([3, 4, 5], scale=0.5, permute=[2, 0, 1])
    arange([30, 4, 50], scale=0.5, permute=[2, 0, 1])
    torch.manual_seed(0)
    for shape in ([3], [10], [11], [3, 10], [2, 3, 4], [5, 30]):
        for scale in (1, 100, 1e4, 1e-3):
            t = torch.randn(shape) * scale
            add(t)
            add(t.double())
            add(t.bfloat16())
            add(t.clone().requires_grad_())
    for count in range(1, 12):  # the suffix moves to its own line at some length
        t = torch.full((count,), 0.5, dtype=torch.float64)
        add(t)
        add(t.clone().requires_grad_())
        add(torch.full((2, count), 2.5, dtype=torch.float64, requires_grad=True))
        add(torch.full((count,), 0.25, requires_grad=True))
    path = pathlib.Path(__file__).with_suffix(".json")
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


main()
