"""Writes pickle_sample.bin: what CPython writes for the value that tests/core/pickle_writer_test.cpp writes too.
Run: python3 tests/data/core/pickle_sample.py"""
import pathlib
import pickle

shared = [1, 2]
integers = [0, 255, 256, 65535, 65536, -1, -128, -129, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1,
            2**39 - 1, 2**39, -(2**39), 2**47, 2**55, 2**62, 2**63 - 1, -(2**63)]
value = {
    "integers": integers,
    "empty": [{}, [], ""],
    "one": {"key": ["alone"]},
    "atoms": [None, True, False],
    "text": ["Ωmega", "key", "a" * 300, "key"],
    "shared": [shared, shared, {"again": shared}],
    "long list": list(range(2001)),
    "long dict": {f"k{i}": i for i in range(1001)},
}
if __name__ == "__main__":
    data = pickle.dumps(value, protocol=2)
    assert pickle.loads(data) == value
    pathlib.Path(__file__).with_name("pickle_sample.bin").write_bytes(data)
