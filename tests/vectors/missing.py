#!/usr/bin/env python3
# Which of PyTorch's ops are missing here: the entries of OpInfo (without complex, sparse, nested and
# private ones) that `iolaus op --list` does not have, and the names of design lists given as files.
#
#   python tests/vectors/missing.py build/cpu/iolaus [FILE...]
#
# A FILE holds names, separated by anything that is none: a text that lists ops.
import re
import subprocess
import sys

from torch.testing._internal.common_methods_invocations import op_db

PREFIXES = ("nn.functional.", "linalg.", "special.", "fft.", "ops.aten.", "torch.ops.aten.", "masked.",
            "signal.windows.", "jiterator_", "_", "sparse.")


def main():
    program, files = sys.argv[1], sys.argv[2:]
    listed = subprocess.run([program, "op", "--list"], check=True, capture_output=True, text=True).stdout
    ours = set(re.findall(r"^(\w+)\(", listed, re.M)) | set(re.findall(r"^(\w+) is \w+$", listed, re.M))
    for prefix in ("", "nn.functional.", "linalg."):
        names = sorted({o.name for o in op_db if o.name.startswith(prefix)})
        if prefix == "":
            names = [n for n in names if not n.startswith(PREFIXES)]
        missing = [n for n in names if n.removeprefix(prefix) not in ours]
        print(f"{prefix or 'torch.'} {len(missing)} of {len(names)}:", *missing)
    for path in files:
        words = sorted(set(re.findall(r"\b[a-z][a-z_0-9]+\b", open(path).read())) - ours)
        print(f"{path}:", *words)


if __name__ == "__main__":
    main()
