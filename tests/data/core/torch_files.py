"""Makes torch/: files of torch.save, and pickles that must be refused (refused.json).

expected.safetensors holds the tensors of the files, contiguous, as <file>:<dotted name>.
Run with a Python that has torch, safetensors and lightning: python tests/data/core/torch_files.py
"""

import base64
import io
import json
import pathlib
import pickle
import zipfile

import lightning
import numpy
import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).with_name("torch")
expected = {}
strides = {}


def flatten(value, prefix=""):
    if isinstance(value, torch.Tensor):
        yield prefix, value.detach()
    elif isinstance(value, (dict, list, tuple)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))


def note(name, value):
    for key, tensor in flatten(value):
        expected[f"{name}:{key}"] = tensor.clone().contiguous()
        strides[f"{name}:{key}"] = list(tensor.stride())


def save(name, value, **options):
    torch.save(value, OUT / name, **options)
    note(name, value)


def values(dtype, count):
    if dtype == torch.bool:
        return torch.arange(count) % 3 == 0
    return torch.arange(-2, count - 2).to(dtype)


torch.manual_seed(3)
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
          torch.int16, torch.int8, torch.uint8, torch.bool]
save("dtypes.pth", {str(d).removeprefix("torch."): values(d, 6).view(2, 3) for d in DTYPES})

base = torch.arange(24.0)
save("views.pth", {
    "transposed": base.view(4, 6).t(), "slice": base[3:9:2], "window": base.as_strided((3, 4), (2, 1), 5),
    "same": base, "expanded": base[:3].expand(2, 3), "scalar": torch.tensor(7.5),
    "empty": torch.empty(0, 3), "parameter": torch.nn.Parameter(base.view(2, 12)[:, 2:4].clone()),
    "channels_last": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)})

model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(4, 3))
for protocol in (2, 3, 4, 5):
    save(f"state_dict_{protocol}.pth", model.state_dict(), pickle_protocol=protocol)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for p in model.parameters():
    p.grad = torch.ones_like(p)
optimizer.step()
save("checkpoint.pth", {
    "epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "note": "état",
    "best": 0.25, "big": 2**40, "negative": -3, "mask": (True, None, {1, 2}),
    "array": numpy.arange(5, dtype="f4"), "size": torch.Size([2, 3]), "device": torch.device("cpu")})
save("tensor.pth", torch.arange(3))
# The data of a big-endian machine: the same archive with the bytes of each element reversed.
buffer = io.BytesIO()
torch.save({"a": torch.arange(5), "b": torch.arange(3.0)}, buffer)
with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(OUT / "big_endian.pth", "w") as new:
    for info in old.infolist():
        data = old.read(info)
        if info.filename.endswith("byteorder"):
            data = b"big"
        if "/data/" in info.filename:
            dtype = "i8" if info.filename.endswith("0") else "f4"
            data = numpy.frombuffer(data, "<" + dtype).astype(">" + dtype).tobytes()
        new.writestr(info.filename, data)
note("big_endian.pth", {"a": torch.arange(5), "b": torch.arange(3.0)})


class Lit(lightning.LightningModule):
    def __init__(self, width=3, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(2, width)

    def training_step(self, batch, _):
        return self.layer(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)


data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(4, 2)), batch_size=2)
trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False,
                            enable_model_summary=False, enable_checkpointing=False)
trainer.fit(Lit(), data)
trainer.save_checkpoint(OUT / "lightning.ckpt")
note("lightning.ckpt", torch.load(OUT / "lightning.ckpt", weights_only=False))

torch.save(model.state_dict(), OUT / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(model, OUT / "module.pth")
torch.save({"u": torch.arange(3).to(torch.uint16)}, OUT / "uint16.pth")
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), OUT / "script.pth")

save_file(expected, OUT / "expected.safetensors")
(OUT / "strides.json").write_text(json.dumps(strides, indent=0) + "\n")


ints = [0, 255, -1, 65536, 2**40, -2**63]
value = {"ints": ints, "text": "état", "f": -2.5, "none": None, "t": (True, False, ()),
         "bytes": b"\0\xff", "again": ints}
(OUT / "pickles.json").write_text(json.dumps(
    [{"protocol": p, "bytes": base64.b64encode(pickle.dumps(value, p)).decode()} for p in range(6)],
    indent=0) + "\n")


# Pickles that must not do what they want: name, bytes, code, words of the message.
class Calls:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


refused = []


def refuse(name, data, code, words):
    refused.append({"name": name, "bytes": base64.b64encode(data).decode(), "code": code,
                    "words": words})


import builtins, os, subprocess  # noqa: E401, E402
for protocol in range(6):
    refuse(f"os.system, protocol {protocol}", pickle.dumps(Calls(os.system, "true"), protocol),
           "unsupported", "'system'")
    refuse(f"eval, protocol {protocol}", pickle.dumps(Calls(builtins.eval, "1"), protocol),
           "unsupported", "'eval' is not one that files may name")
refuse("subprocess", pickle.dumps(Calls(subprocess.call, ["true"])), "unsupported", "'subprocess'.'call'")
refuse("getattr", pickle.dumps(Calls(getattr, "", "join")), "unsupported", "'getattr'")
refuse("numpy's loader", b"cnumpy\nload\n(S'x'\ntR.", "unsupported", "'numpy'.'load'")
refuse("torch.load", b"ctorch\nload\n(S'x'\ntR.", "unsupported", "'torch'.'load'")
refuse("a dotted name", b"\x80\x04\x8c\x05torch\x8c\x08Size.mro\x94\x93.", "unsupported", "'Size.mro'")
refuse("INST", b"(S'true'\nios\nsystem\n.", "unsupported", "the opcode INST")
refuse("OBJ", b"(cnumpy\nndarray\no.", "unsupported", "the opcode OBJ")
refuse("EXT1", b"\x82\x01.", "unsupported", "the opcode EXT1")
refuse("PERSID", b"Pstorage\n.", "unsupported", "the opcode PERSID")
refuse("call of a class", b"cnumpy\nndarray\n)R.", "unsupported", "cannot be called")
refuse("call of a number", b"K\x01)R.", "corrupt", "a class or function to call, got the int 1")
refuse("too many arguments", b"ctorch\nSize\n(K\x01K\x02tR.", "corrupt", "1 to 1 arguments of torch.Size, got 2")
refuse("state of a list", b"](K\x01lb.", "corrupt", "an object below its state, got a list of 0")
refuse("huge int", pickle.dumps(1 << 4000), "unsupported", "more than 64 bits")
refuse("huge length of an int", b"\x8b\xff\xff\xff\x7f.", "unsupported", "one of 2147483647 bytes")
refuse("huge decimal", b"L" + b"9" * 1000 + b"L\n.", "unsupported", "more than 64 bits")
refuse("huge text", b"X\xff\xff\xff\xff", "corrupt", "byte 0: expected 4294967295 more bytes")
refuse("text of 2^64 bytes", b"\x8d" + b"\xff" * 8, "corrupt", "more bytes, got the end")
refuse("huge frame", b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "corrupt", "a frame inside of the data")
refuse("protocol 6", b"\x80\x06N.", "unsupported", "at most 5, got 6")
refuse("unknown opcode", b"N\xfe.", "corrupt", "byte 1: expected an opcode of pickle, got 0xfe")
refuse("nothing", b"", "corrupt", "expected 1 more bytes")
refuse("no STOP", b"N", "corrupt", "byte 1: expected 1 more bytes")
refuse("empty stack", b".", "corrupt", "one value at the end")
refuse("two values", b"NN.", "corrupt", "one value at the end, got 2")
refuse("open mark", b"(N.", "corrupt", "1 marks")
refuse("no mark", b"Nt.", "corrupt", "a mark on the stack")
refuse("below the mark", b"N(]a.", "corrupt", "a value on the stack")
refuse("behind STOP", b"N.N", "corrupt", "1 more bytes")
refuse("unknown memo", b"h\x07.", "corrupt", "a memo index that was stored, got 7")
refuse("odd items", b"}(K\x01u.", "corrupt", "a value for each key")
refuse("list as a key", b"}]Ns.", "corrupt", "a key that can be hashed")
refuse("bad escape", b"S'\\q'\n.", "corrupt", "Python's notation")
refuse("bad int", b"I1x\n.", "corrupt", "an integer, got '1x'")
(OUT / "refused.json").write_text(json.dumps(refused, indent=0) + "\n")
