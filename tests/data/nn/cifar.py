"""Makes cifar/: CIFAR-10 and CIFAR-100 in their official forms, with a few images.

The pickles are those that Python 2 wrote: protocol 2 with byte strings (BINSTRING) and numpy's old
module names; CIFAR-10's batches.meta is in protocol 0. What they decode to is checked here.
Image number n of a file has the byte (n * 7 + channel * 50 + row * 3 + column) % 256 at each place.
Run with a Python that has numpy: python tests/data/nn/cifar.py
"""

import gzip
import io
import pathlib
import pickle
import tarfile

import numpy

OUT = pathlib.Path(__file__).with_name("cifar")
OUT.mkdir(exist_ok=True)
TEN = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
HUNDRED = [f"fine_{i:02}" for i in range(100)]
COARSE = [f"coarse_{i:02}" for i in range(20)]


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its str."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        if self.proto == 0:
            self.write(b"S" + repr(value)[1:].encode() + b"\n")
        elif len(value) < 256:
            self.write(b"U" + bytes([len(value)]) + value)
        else:
            self.write(b"T" + len(value).to_bytes(4, "little") + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes

    def save_global(self, obj, name=None):
        if obj is numpy._core.multiarray._reconstruct:
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n")
            return self.memoize(obj)
        super().save_global(obj, name)

    dispatch[type(numpy._core.multiarray._reconstruct)] = save_global

    def reducer_override(self, obj):
        if isinstance(obj, numpy.ndarray):
            function, _, state = obj.__reduce__()
            version, shape, dtype, order, data = state
            return function, (numpy.ndarray, (0,), b"b"), (version, shape, dtype, order, data)
        if isinstance(obj, numpy.dtype):
            return numpy.dtype, (b"u1", 0, 1), (3, b"|", None, None, None, -1, -1, 0)
        return NotImplemented


def dumps(value, protocol=2):
    out = io.BytesIO()
    Python2Pickler(out, protocol).dump(value)
    return out.getvalue()


def images(count):
    n, c, y, x = numpy.ogrid[:count, :3, :32, :32]
    return ((n * 7 + c * 50 + y * 3 + x) % 256).astype("u1").reshape(count, 3072)


def tar(name, files, layout=tarfile.GNU_FORMAT):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=layout) as archive:
        folder = tarfile.TarInfo(name)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for file, data in files.items():
            info = tarfile.TarInfo(f"{name}/{file}")
            info.size = len(data)
            info.pax_headers = {"mtime": "1234567890.25"} if layout == tarfile.PAX_FORMAT else {}
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 9, mtime=0)


def check(data, expected):
    loaded = pickle.loads(data, encoding="bytes")
    assert set(loaded) == set(expected)
    for key, value in expected.items():
        assert numpy.array_equal(loaded[key], value), key


def ten(count, first, label):
    value = {b"batch_label": label, b"labels": [(first + i) % 10 for i in range(count)],
             b"data": images(count), b"filenames": [b"image_%d.png" % i for i in range(count)]}
    data = dumps(value)
    check(data, value)
    records = b"".join(bytes([value[b"labels"][i]]) + value[b"data"][i].tobytes() for i in range(count))
    return data, records


def hundred(count, first):
    fine = [(first + 13 * i) % 100 for i in range(count)]
    value = {b"filenames": [b"image_%d.png" % i for i in range(count)], b"batch_label": b"all of it",
             b"fine_labels": fine, b"coarse_labels": [f // 5 for f in fine], b"data": images(count)}
    data = dumps(value)
    check(data, value)
    records = b"".join(bytes([fine[i] // 5, fine[i]]) + value[b"data"][i].tobytes() for i in range(count))
    return data, records


pickled, binary = {}, {}
meta = {b"num_cases_per_batch": 10000, b"label_names": [n.encode() for n in TEN], b"num_vis": 3072}
pickled["batches.meta"] = dumps(meta, 0)
check(pickled["batches.meta"], meta)
binary["batches.meta.txt"] = ("\n".join(TEN) + "\n\n").encode()
for i in range(1, 6):
    pickled[f"data_batch_{i}"], binary[f"data_batch_{i}.bin"] = ten(2, 2 * i, b"training batch %d of 5" % i)
pickled["readme.html"] = binary["readme.html"] = b"<meta>"
pickled["test_batch"], binary["test_batch.bin"] = ten(3, 4, b"testing batch 1 of 1")
(OUT / "cifar-10-python.tar.gz").write_bytes(tar("cifar-10-batches-py", pickled))
(OUT / "cifar-10-binary.tar.gz").write_bytes(tar("cifar-10-batches-bin", binary, tarfile.USTAR_FORMAT))

pickled, binary = {"file.txt~": b""}, {}
meta = {b"fine_label_names": [n.encode() for n in HUNDRED], b"coarse_label_names": [n.encode() for n in COARSE]}
pickled["meta"] = dumps(meta)
check(pickled["meta"], meta)
binary["coarse_label_names.txt"] = ("\n".join(COARSE) + "\n").encode()
binary["fine_label_names.txt"] = ("\n".join(HUNDRED) + "\n").encode()
pickled["train"], binary["train.bin"] = hundred(5, 3)
pickled["test"], binary["test.bin"] = hundred(2, 50)
(OUT / "cifar-100-python.tar.gz").write_bytes(tar("cifar-100-python", pickled))
(OUT / "cifar-100-binary.tar.gz").write_bytes(tar("cifar-100-binary", binary, tarfile.PAX_FORMAT))
