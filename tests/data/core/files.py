"""Makes files/: small npy, safetensors and IDX files, and files.json with what is in them.

Run with a Python that has torch, numpy and safetensors: python tests/data/core/files.py
Elements are given as row-major little-endian bytes in hexadecimal.
"""

import gzip
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent
OUT = HERE / "files"
NUMPY = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
npy, idx, tensors = [], [], {}


def describe(array, dtype=None):
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return {"dtype": dtype or array.dtype.name, "shape": list(array.shape),
            "bytes": little.tobytes().hex()}


def values(dtype, shape):
    count = int(np.prod(shape, dtype=np.int64))
    raw = (np.arange(count) * 7 + 1) % 23 - (0 if dtype in ("uint8", "bool") else 9)
    if dtype == "bool":
        raw = raw % 2
    return (raw / 4 if dtype.startswith("float") else raw).astype(dtype).reshape(shape)


def save_npy(name, array, version=(1, 0), same=False):
    """same: numpy.save's own bytes, which our writer must give too."""
    with open(OUT / name, "wb") as file:
        np.lib.format.write_array(file, array, version=version)
    npy.append({"file": name, "same": same} | describe(array))


def make_npy():
    for dtype in NUMPY:
        save_npy(f"{dtype}.npy", values(dtype, (2, 3)), same=True)
        if np.dtype(dtype).itemsize > 1:
            big = np.dtype(dtype).newbyteorder(">")
            save_npy(f"{dtype}_big.npy", values(dtype, (2, 3)).astype(big))
    save_npy("scalar.npy", np.array(2.5, dtype=np.float32), same=True)
    save_npy("empty.npy", np.zeros((0, 4), dtype=np.int16), same=True)
    save_npy("vector.npy", values("float64", (7,)), same=True)
    save_npy("rank5.npy", values("int32", (2, 1, 3, 1, 2)), same=True)
    save_npy("fortran.npy", np.asfortranarray(values("float32", (2, 3, 4))))
    save_npy("fortran_big.npy", np.asfortranarray(values("int64", (3, 2)).astype(">i8")))
    save_npy("version2.npy", values("float32", (3, 2)), version=(2, 0))
    save_npy("version3.npy", values("float32", (3, 2)), version=(3, 0))
    # As JAX's arrays are saved (ml_dtypes registers bfloat16 as '<V2').
    bf16 = torch.tensor([[1.0, -2.5], [0.1, 3e38]], dtype=torch.bfloat16).view(torch.int16).numpy()
    buffer = io.BytesIO()
    np.save(buffer, bf16)
    (OUT / "bfloat16.npy").write_bytes(buffer.getvalue().replace(b"<i2", b"<V2"))
    npy.append({"file": "bfloat16.npy", "same": True} | describe(bf16, "bfloat16"))
    # What tensors cannot hold.
    np.save(OUT / "bad_struct.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i8")]))
    np.save(OUT / "bad_uint32.npy", np.zeros(2, dtype=np.uint32))
    np.save(OUT / "bad_complex.npy", np.zeros(2, dtype=np.complex64))
    np.save(OUT / "bad_unicode.npy", np.array(["ab", "c"]))
    np.save(OUT / "bad_object.npy", np.array([{}, None], dtype=object), allow_pickle=True)


def describe_torch(t):
    raw = t.contiguous().reshape(-1).view(torch.uint8) if t.numel() else torch.empty(0)
    return {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape),
            "bytes": bytes(raw.to(torch.uint8).tolist()).hex()}


def make_safetensors():
    for dtype in NUMPY:
        tensors[f"{dtype}.x"] = torch.from_numpy(values(dtype, (2, 3)))
    tensors["bfloat16.x"] = torch.tensor([[1.0, -2.5], [0.1, 3e38]], dtype=torch.bfloat16)
    tensors["scalar"] = torch.tensor(3.5)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["also empty"] = torch.zeros(2, 0)
    tensors['quote " back \\ tab \t é 漢'] = torch.tensor([1, 2])
    safetensors.torch.save_file(tensors, OUT / "all.safetensors", metadata={"format": "pt"})
    safetensors.torch.save_file({}, OUT / "none.safetensors")
    foreign = {"u": torch.zeros(3, dtype=torch.uint32), "v": torch.ones(2)}
    safetensors.torch.save_file(foreign, OUT / "uint32.safetensors")


def make_idx():
    codes = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
    for dtype, code in codes.items():
        array = values(dtype, (3, 2, 2))
        raw = bytes([0, 0, code, 3]) + struct.pack(">3I", *array.shape)
        raw += array.astype(array.dtype.newbyteorder(">")).tobytes()
        (OUT / f"{dtype}.idx").write_bytes(raw)
        (OUT / f"{dtype}.idx.gz").write_bytes(gzip.compress(raw, mtime=0))
        idx.append({"file": f"{dtype}.idx"} | describe(array))
        idx.append({"file": f"{dtype}.idx.gz"} | describe(array))
    # Two gzip members, one after the other, are one stream (RFC 1952, 2.2).
    (OUT / "members.idx.gz").write_bytes(
        gzip.compress(raw[:20], mtime=0) + gzip.compress(raw[20:], mtime=0))
    idx.append({"file": "members.idx.gz"} | describe(array))


def main():
    OUT.mkdir(exist_ok=True)
    make_npy()
    make_safetensors()
    make_idx()
    content = {"numpy": np.__version__, "torch": torch.__version__,
               "safetensors": safetensors.__version__, "zlib": zlib.ZLIB_RUNTIME_VERSION,
               "npy": npy, "idx": idx,
               "safetensors_tensors": {k: describe_torch(v) for k, v in tensors.items()}}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (HERE / "files.json").write_text(text + "\n")


main()
