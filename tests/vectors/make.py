#!/usr/bin/env python3
# Vectors from PyTorch for every op: inputs, outputs and gradients of PyTorch's own OpInfo samples,
# the type promotion matrix, error inputs, and geometry after chains of views. Needs a Python with
# torch (pip install torch expecttest numpy); the result is committed, so tests need none of it.
#
#   python tests/vectors/make.py            # writes tests/vectors/data/
#
# data/cases.json.gz: a list of calls by PyTorch's schema; data/tensors.safetensors.gz: the tensors
# they name by number, each stored once. Output gradients are not stored but computed (see gradient).
# Where PyTorch's float32 or bfloat16 result is further than the tolerance from its own in float64,
# the case has that one ("float64": outputs, gradients), too, and either counts.
import gzip
import itertools
import json
import math
import pathlib
import random
import struct
import warnings

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import SampleInput

import ops

HERE = pathlib.Path(__file__).parent
# Calls for each entry of OpInfo and dtype, and the largest tensor in them.
LIMITS = {torch.float32: 160, torch.float64: 40, torch.bfloat16: 40, torch.int64: 40, torch.bool: 8}
LARGEST = 2500
DTYPE_NAMES = {torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16",
               torch.int32: "I32", torch.int64: "I64", torch.float16: "F16",
               torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64"}


class LeftOut(Exception):
    pass


class Store:
    """The tensors, by content."""

    def __init__(self):
        self.index, self.tensors = {}, []

    def add(self, tensor):
        tensor = tensor.detach().clone(memory_format=torch.contiguous_format)
        if tensor.dtype not in DTYPE_NAMES:
            raise LeftOut(f"dtype {tensor.dtype}")
        if tensor.dim() > 16:
            raise LeftOut("more than 16 dimensions")
        data = bytes(tensor.reshape(-1).as_strided((tensor.numel(),), (1,)).view(torch.uint8).numpy())
        key = (data, tensor.dtype, tuple(tensor.shape))
        if key not in self.index:
            self.index[key] = len(self.tensors)
            self.tensors.append(key)
        return self.index[key]

    def bytes(self):
        header, at, parts = {}, 0, []
        order = sorted(range(len(self.tensors)),
                       key=lambda i: (-self.tensors[i][1].itemsize, i))
        for i in order:
            data, dtype, shape = self.tensors[i]
            header[str(i)] = {"dtype": DTYPE_NAMES[dtype], "shape": list(shape),
                              "data_offsets": [at, at + len(data)]}
            at += len(data)
            parts.append(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + b"".join(parts)


def gradient(tensor, number):
    """The gradient of output `number`: multiples of 1/64 in (-1, 1), also in bfloat16 exact."""
    i = torch.arange(tensor.numel(), dtype=torch.int64)
    value = (((i + 1) * 2654435761 + number * 40503) >> 7) % 64
    return ((value.double() - 31.5) / 32).to(tensor.dtype).reshape(tensor.shape)


def simple(tensor):
    """Fewer digits, so that the files compress: 12 bits of mantissa for float32 and float64."""
    if tensor.dtype == torch.float32:
        return (tensor.detach().view(torch.int32) & ~0xfff).view(torch.float32)
    if tensor.dtype == torch.float64:
        return (tensor.detach().view(torch.int64) & ~((1 << 41) - 1)).view(torch.float64)
    return tensor.detach()


def simplified(value, seen, exact):
    """The same arguments with simple leaves; a tensor that appears twice stays one."""
    if torch.is_tensor(value):
        if id(value) not in seen:
            if value.is_complex() or value.layout != torch.strided or value.is_quantized:
                raise LeftOut("complex, sparse or quantized")
            dense = value.detach() if exact else simple(value.detach().contiguous())
            strides = value.stride()
            flat = all(s > 0 for s, n in zip(strides, value.shape) if n > 1)
            if flat and not value.is_contiguous() and value.numel():
                copy = torch.empty_strided(value.shape, strides, dtype=value.dtype)
                copy.copy_(dense)
            else:
                copy = dense.clone()
            seen[id(value)] = (copy.requires_grad_(value.requires_grad), value)
        return seen[id(value)][0]
    if isinstance(value, torch.Size):
        return list(value)
    if isinstance(value, (list, tuple)):
        made = [simplified(v, seen, exact) for v in value]
        return tuple(made) if isinstance(value, tuple) else made  # an index may be a tuple
    if isinstance(value, dict):
        return {k: simplified(v, seen, exact) for k, v in value.items()}
    return value


def encode(value, store):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if not -2**63 <= value < 2**63:
            raise LeftOut("integer beyond int64")
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if torch.is_tensor(value):
        entry = {"tensor": store.add(value)}
        if value.requires_grad:
            entry["grad"] = True
        if not value.is_contiguous():
            entry["strides"] = list(value.stride())
        return entry
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, (list, tuple, torch.Size, range)):
        return [encode(v, store) for v in value]
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if value is Ellipsis:
        return {"ellipsis": True}
    raise LeftOut(f"an argument of type {type(value).__name__}")


def leaves(value):
    if torch.is_tensor(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in leaves(v)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in leaves(v)]
    return []


def in_float64(value, dtype, seen):
    """The same arguments with float64 leaves for those of dtype; a tensor that appears twice stays
    one."""
    if torch.is_tensor(value):
        if value.dtype != dtype:
            return value.clone()
        if id(value) not in seen:
            seen[id(value)] = value.detach().double().requires_grad_(value.requires_grad)
        return seen[id(value)]
    if isinstance(value, torch.Size):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(in_float64(v, dtype, seen) for v in value)
    if isinstance(value, dict):
        return {k: in_float64(v, dtype, seen) for k, v in value.items()}
    return value


def call_and_gradients(fn, inputs):
    """The results, and the gradients of the inputs that want one (or None where there are none)."""
    out, unique = results_of(fn()), []
    for t in inputs:
        if t.requires_grad and not any(t is u for u in unique):
            unique.append(t)
    pairs = [(t, gradient(t, k)) for k, t in enumerate(out) if t.requires_grad]
    if not unique or not pairs:
        return out, None
    return out, torch.autograd.grad([t for t, _ in pairs], unique, [g for _, g in pairs],
                                    allow_unused=True)


def close(a, b):
    try:
        torch.testing.assert_close(a, b, equal_nan=True)
        return True
    except AssertionError:
        return False


def has_ties(tensors):
    return any(t.numel() != t.unique().numel() for t in tensors)


def results_of(out):
    if torch.is_tensor(out):
        return [out]
    if isinstance(out, (list, tuple)) and all(torch.is_tensor(t) for t in out):
        return list(out)
    raise LeftOut("a result that is no tensor")


class Maker:
    def __init__(self):
        self.store, self.cases, self.left_out = Store(), [], {}

    def leave_out(self, entry, reason):
        key = f"{entry}: {reason}"
        self.left_out[key] = self.left_out.get(key, 0) + 1

    def sample_case(self, entry, ours, info, sample, dtype):
        sample = rebuilt(sample, entry in ops.TIES)
        inputs = leaves([sample.input, list(sample.args), sample.kwargs])
        if any(t.numel() > LARGEST for t in inputs):
            raise LeftOut("large")
        if entry in ops.TIES and not sample.kwargs.get("stable"):
            if has_ties([t for t in inputs if t.dtype == dtype and t.numel() > 1]):
                raise LeftOut("ties")
        # Encoded before the call, which may write into its arguments.
        args, kwargs = ops.call_form(entry, sample)
        kwargs = {k: v for k, v in kwargs.items() if k not in ("device", "layout", "requires_grad")}
        if kwargs.get("dropout_p"):
            raise LeftOut("random")
        if any(isinstance(v, torch.memory_format) for v in kwargs.values()):
            raise LeftOut("memory format")
        args = encode(list(args), self.store)
        kwargs = [[k, encode(v, self.store)] for k, v in kwargs.items()]
        truth = self.truth(info, sample, dtype)
        out, grads = call_and_gradients(
            lambda: info.op(sample.input, *sample.args, **sample.kwargs), inputs)
        if any(t.numel() > 4 * LARGEST for t in out):
            raise LeftOut("large")
        case = {"op": ours, "dtype": str(dtype).removeprefix("torch."), "args": args}
        if kwargs:
            case["kwargs"] = kwargs
        case["out"] = [self.store.add(t) for t in out]
        if grads is not None:
            case["grads"] = [None if g is None else self.store.add(g) for g in grads]
        if truth is not None:
            self.add_truth(case, [out, grads or []], truth)
        return case

    def truth(self, info, sample, dtype):
        """Results and gradients of float32 and bfloat16 calls in float64."""
        if dtype not in (torch.float32, torch.bfloat16) or "dtype" in sample.kwargs:
            return None
        seen = {}
        first, args, kwargs = (in_float64(v, dtype, seen)
                               for v in (sample.input, sample.args, sample.kwargs))
        try:
            out, grads = call_and_gradients(lambda: info.op(first, *args, **kwargs),
                                            leaves([first, list(args), kwargs]))
            return [out, grads or []]
        except Exception:  # not there in float64
            return None

    def add_truth(self, case, found, truth):
        """Where PyTorch's result is further than the tolerance from its own in float64, that one is
        kept as well: it is what the op means."""
        if [len(part) for part in found] != [len(part) for part in truth]:
            return
        if any((a is None) != (b is None) for f, t in zip(found, truth) for a, b in zip(f, t)):
            return
        rounded = [[None if b is None else b.to(a.dtype) for a, b in zip(f, t)]
                   for f, t in zip(found, truth)]
        if any(a is not None and not close(a, b)
               for f, t in zip(found, rounded) for a, b in zip(f, t)):
            case["float64"] = [[None if t is None else self.store.add(t) for t in part]
                               for part in rounded]

    def op_samples(self, info, entry, ours, dtype):
        torch.manual_seed(hash_of(entry))
        random.seed(hash_of(entry))
        supported = info.supported_dtypes("cpu")
        if dtype not in supported:
            return
        differentiable = dtype in info.supported_backward_dtypes("cpu") and dtype.is_floating_point \
            and info.supports_autograd
        try:
            samples = list(info.sample_inputs("cpu", dtype, requires_grad=differentiable))
        except Exception as error:  # some entries have none for a dtype
            return self.leave_out(entry, f"no samples in {dtype}: {type(error).__name__}")
        made = []
        for sample in samples:
            try:
                made.append(self.sample_case(entry, ours, info, sample, dtype))
            except LeftOut as reason:
                self.leave_out(entry, str(reason))
            except Exception as error:
                self.leave_out(entry, f"fails in PyTorch: {type(error).__name__}")
        unique = {json.dumps(case, sort_keys=True): case for case in made}
        made = list(unique.values())
        limit = LIMITS[dtype]
        kept = made if len(made) <= limit else [made[i * len(made) // limit] for i in range(limit)]
        for number, case in enumerate(kept):
            case["case"] = f"{entry}/{case['dtype']}/{number}"
        self.cases += kept

    def errors(self, info, entry, ours):
        if info.error_inputs_func is None:
            return
        torch.manual_seed(1)
        number = 0
        for error in info.error_inputs("cpu"):
            try:
                if error.error_type not in (RuntimeError, IndexError, ValueError, TypeError):
                    raise LeftOut("not an error")
                args, kwargs = ops.call_form(entry, error.sample_input)
                kwargs = {k: v for k, v in kwargs.items() if k not in ("device", "layout", "requires_grad")}
                if "out" in kwargs or any(t.numel() > LARGEST for t in leaves([args, kwargs])):
                    raise LeftOut("out= or large, of an error")
                case = {"case": f"{entry}/error/{number}", "op": ours, "dtype": "error",
                        "args": encode(list(args), self.store), "error": error.error_regex}
                if kwargs:
                    case["kwargs"] = [[k, encode(v, self.store)] for k, v in kwargs.items()]
                self.cases.append(case)
                number += 1
            except LeftOut as reason:
                self.leave_out(entry, str(reason))

    def promotion(self):
        dtypes = list(DTYPE_NAMES)
        functions = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
                     "pow": torch.pow, "maximum": torch.maximum, "remainder": torch.remainder,
                     "eq": torch.eq, "lt": torch.lt, "logical_and": torch.logical_and}
        for name, fn in functions.items():
            number = 0
            for a, b in itertools.product(dtypes, dtypes + [True, 2, 2.5]):
                forms = [((3,), (3,)), ((3,), ()), ((), (3,))]
                for left, right in forms if isinstance(b, torch.dtype) else [((3,), None), ((), None)]:
                    x = torch.tensor([1, 2, 3] if left else 3).to(a)
                    y = b if right is None else torch.tensor([2, 1, 3] if right else 2).to(b)
                    case = {"case": f"{name}/promotion/{number}", "op": name, "dtype": "promotion",
                            "args": encode([x, y], self.store)}
                    number += 1
                    try:
                        case["out"] = [self.store.add(fn(x, y))]
                    except (RuntimeError, TypeError) as error:
                        case["error"] = str(error)
                    self.cases.append(case)

    def view_chains(self):
        random.seed(5)
        steps = [
            lambda x: ("transpose", [pick(x), pick(x)]),
            lambda x: ("permute", [random.sample(range(x.dim()), x.dim())]),
            lambda x: ("select", [d := pick(x), random.randrange(x.shape[d])]),
            lambda x: ("narrow", [d := pick(x), s := random.randrange(x.shape[d]),
                                  random.randint(1, x.shape[d] - s)]),
            lambda x: ("unsqueeze", [random.randrange(-x.dim() - 1, x.dim() + 1)]),
            lambda x: ("squeeze", []),
            lambda x: ("squeeze", [pick(x)]),
            lambda x: ("expand", [[3] + [-1] * x.dim()]),
            lambda x: ("diagonal", [random.randint(-1, 1), 0, 1]),
            lambda x: ("unfold", [d := pick(x), n := random.randint(1, x.shape[d]),
                                  random.randint(1, 2)]),
            lambda x: ("flatten", [0, pick(x)]),
            lambda x: ("view", [[-1, x.shape[-1]]]),
            lambda x: ("reshape", [[x.shape[0], -1]]),
            lambda x: ("movedim", [pick(x), pick(x)]),
        ]
        number = 0
        while number < 200:
            x = base = torch.arange(120).reshape(random.choice([(2, 3, 4, 5), (120,), (6, 20)]))
            chain = []
            for _ in range(random.randint(1, 5)):
                if not x.dim() or not x.numel():
                    break
                try:
                    op, args = random.choice(steps)(x)
                    y = getattr(x, op)(*args)
                except (RuntimeError, IndexError, ValueError):
                    continue
                if y.numel() and y.numel() <= 720:
                    x, chain = y, chain + [{"op": op, "args": args}]
            if not chain:
                continue
            self.cases.append({"case": f"views/{number}", "dtype": "views", "op": "views",
                               "args": [{"tensor": self.store.add(base)}], "chain": chain,
                               "size": list(x.shape), "stride": list(x.stride()),
                               "offset": x.storage_offset(), "out": [self.store.add(x)]})
            number += 1


def pick(x):
    return random.randrange(x.dim())


def rebuilt(sample, exact):
    """The sample with simple tensors, or, where equal elements matter, with exact ones."""
    seen = {}
    return SampleInput(simplified(sample.input, seen, exact),
                       args=tuple(simplified(a, seen, exact) for a in sample.args),
                       kwargs=simplified(sample.kwargs, seen, exact))


def hash_of(text):
    return sum((i + 1) * ord(c) for i, c in enumerate(text)) % 100003


def write(path, data):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(data)
    print(path.name, path.stat().st_size)


def main():
    warnings.simplefilter("ignore")
    maker, table = Maker(), ops.names()
    infos = {o.name + ("." + o.variant_test_name if o.variant_test_name else ""): o for o in op_db}
    for entry, ours in sorted(table.items()):
        if entry not in infos:
            print("PyTorch has no samples of", entry)
            continue
        for dtype in LIMITS:
            maker.op_samples(infos[entry], entry, ours, dtype)
        maker.errors(infos[entry], entry, ours)
    maker.promotion()
    maker.view_chains()
    used = json.dumps(maker.cases)
    data = HERE / "data"
    data.mkdir(exist_ok=True)
    store = compact(maker)
    write(data / "tensors.safetensors.gz", store.bytes())
    write(data / "cases.json.gz", json.dumps(
        {"torch": torch.__version__, "left_out": maker.left_out, "cases": maker.cases},
        separators=(",", ":")).encode())
    print(len(maker.cases), "cases,", len(used) >> 10, "KiB of JSON,", len(store.tensors), "tensors")


def compact(maker):
    """Drops the tensors of cases that were not kept, and numbers the rest anew."""
    store, numbers = Store(), {}

    def renumber(i):
        if i not in numbers:
            numbers[i] = len(store.tensors)
            store.tensors.append(maker.store.tensors[i])
        return numbers[i]

    def walk(value):
        if isinstance(value, dict):
            if "tensor" in value:
                value["tensor"] = renumber(value["tensor"])
            for v in value.values():
                walk(v)
        elif isinstance(value, list):
            for v in value:
                walk(v)

    for case in maker.cases:
        walk(case["args"])
        walk(case.get("kwargs", []))
        lists = [case[key] for key in ("out", "grads") if key in case] + case.get("float64", [])
        for numbers_of_case in lists:
            numbers_of_case[:] = [None if i is None else renumber(i) for i in numbers_of_case]
    return store


if __name__ == "__main__":
    main()
