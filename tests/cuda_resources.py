#!/usr/bin/env python3
"""Prints registers, shared memory, stack and spills of every CUDA kernel in a build.

usage: tests/cuda_resources.py [build/cuda] [--arch sm_90a] [--spills] [--cuobjdump PATH]

Reads what the compiler left in the object files (cuobjdump --dump-resource-usage). A stack frame
means that something lives in local memory: spilled registers, or an array that is indexed at run
time. With --spills only those kernels are shown, and the exit status is 1 if there are any.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys


def find_tool():
    """cuobjdump of the CUDA toolkit; a package of its own on some systems."""
    found = shutil.which("cuobjdump") or shutil.which("cuobjdump", path="/usr/local/cuda/bin")
    return found or sys.exit("cuobjdump was not found: install it (Debian: cuda-cuobjdump-13-0) "
                             "or name it with --cuobjdump")


def kernels(tool, object_file, arch):
    """Yields (name, registers, stack, shared, local) of the kernels of one object file."""
    text = subprocess.run(
        [tool, "--gpu-architecture", arch, "--dump-resource-usage", str(object_file)],
        capture_output=True, text=True, check=False).stdout
    for name, usage in re.findall(r"Function (\S+):\n\s*(.+)", text):
        values = dict(re.findall(r"(\w+(?:\[\d+\])?):(\d+)", usage))
        yield (name, int(values.get("REG", 0)), int(values.get("STACK", 0)),
               int(values.get("SHARED", 0)), int(values.get("LOCAL", 0)))


def demangle(names):
    out = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True,
                         check=False).stdout.splitlines()
    return [short_name(name) for name in out]


def short_name(name):
    """Without return type, namespaces of ours, and the parameters of the function."""
    name = re.sub(r"\(anonymous namespace\)::|iolaus::|^void ", "", name)
    depth = 0
    for i, c in enumerate(name):
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            return name[:i]
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build/cuda")
    parser.add_argument("--arch", default="sm_90a")
    parser.add_argument("--spills", action="store_true")
    parser.add_argument("--cuobjdump", help="the tool, if it is not in PATH")
    args = parser.parse_args()
    tool = args.cuobjdump or find_tool()
    rows, files = [], []
    for path in sorted(pathlib.Path(args.build).rglob("*.cu.o")):
        for row in kernels(tool, path, args.arch):
            rows.append(row)
            files.append(path.parent.name)
    if not rows:
        sys.exit(f"no kernels for {args.arch} under {args.build}")
    names = demangle([row[0] for row in rows])
    bad = 0
    print(f"{'registers':>9} {'stack':>6} {'shared':>7} {'local':>6}  kernel ({args.arch})")
    for name, folder, (_, registers, stack, shared, local) in sorted(
            zip(names, files, rows), key=lambda r: (r[1], r[0])):
        spills = stack > 0 or local > 0
        bad += spills
        if spills or not args.spills:
            print(f"{registers:9} {stack:6} {shared:7} {local:6}  {folder}: {name}")
    print(f"{len(rows)} kernels, {bad} with a stack frame")
    return 1 if args.spills and bad else 0


if __name__ == "__main__":
    sys.exit(main())
