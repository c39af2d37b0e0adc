"""Makes dtypes.json: PyTorch's promotion table and its 16-bit float conversions.

Run with a Python that has torch and numpy: python tests/data/core/dtypes.py
The exhaustive conversions are given as the CRC-32 of all results in order, every NaN first made
the same; a list of samples helps to find what differs.
"""

import json
import pathlib
import zlib

import numpy as np
import torch

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
         "float64"]
HALVES = {"float16": 0x7C00, "bfloat16": 0x7F80}  # bits of infinity


def to_float(name, bits):
    half = torch.from_numpy(bits.astype(np.uint16).view(np.int16)).view(getattr(torch, name))
    return half.float().numpy()


def to_half(name, values):
    half = torch.from_numpy(values).to(getattr(torch, name)).view(torch.int16)
    return half.numpy().view(np.uint16)


def crc_of_widening(name):
    """All 65536 patterns, as float32 bits; NaN counts as 0x7fc00000."""
    wide = to_float(name, np.arange(65536))
    bits = wide.view(np.uint32).copy()
    bits[np.isnan(wide)] = 0x7FC00000
    return zlib.crc32(bits.astype("<u4").tobytes())


def midpoints(name):
    """The float32 halfway between each finite number and the next, and both neighbours of it, with
    both signs. The number after the largest is where infinity would lie."""
    low = np.arange(HALVES[name])
    upper = to_float(name, low + 1).astype(np.float64)
    upper[-1] = 2 * upper[-2] - to_float(name, low[-2:-1]).astype(np.float64)[0]
    middle = ((to_float(name, low).astype(np.float64) + upper) / 2).astype(np.float32)
    around = np.stack([np.nextafter(middle, np.float32(0)), middle,
                       np.nextafter(middle, np.float32(np.inf))], axis=1)
    return np.stack([around, -around], axis=2).reshape(-1)


def main():
    table = {a: {b: str(torch.promote_types(getattr(torch, a), getattr(torch, b)))[6:]
                 for b in NAMES} for a in NAMES}
    rng = np.random.default_rng(5)
    samples = rng.integers(0, 2**32, 300, dtype=np.uint64).astype(np.uint32)
    special = np.array([0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 1, 0x007FFFFF,
                        0x7F7FFFFF, 0x477FEFFF, 0x477FF000, 0x38800000, 0x387FFFFF, 0x33000000,
                        0x33000001, 0x32FFFFFF, 0x7F7F7FFF, 0x7F7F8000], dtype=np.uint32)
    small = rng.integers(0x32000000, 0x48000000, 300, dtype=np.uint64).astype(np.uint32)
    samples = np.concatenate([special, samples, small])
    content = {"torch": torch.__version__, "promotion": table, "samples": samples.tolist()}
    for name in HALVES:
        rounded = to_half(name, midpoints(name))
        content[name] = {"widening_crc": crc_of_widening(name),
                         "midpoint_count": len(rounded),
                         "midpoint_crc": zlib.crc32(rounded.astype("<u2").tobytes()),
                         "samples": to_half(name, samples.view(np.float32)).tolist()}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(content) + "\n")


main()
