"""Runs bench_ops and the same calls in PyTorch, and prints the ratios, the worst first.

Usage: ops_torch.py BENCH_OPS [--threads N] [OP...]
Run it with an interpreter that has torch. A ratio above 1 means that Iolaus is faster. Both call by
name: bench_ops looks the op up and binds its arguments, PyTorch has its Python call.
"""

import argparse
import json
import subprocess
import time

import torch

BINARY = {"add", "mul", "div", "pow", "maximum", "lt", "atan2"}
ALONG = {"softmax", "log_softmax", "cumsum", "sort", "argmax"}
FUNCTIONAL = {"gelu", "silu"}


def time_of(call):
    def seconds(count):
        start = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - start

    call()
    count = 1
    while seconds(count) < 2e-3:
        count *= 2
    return min(seconds(count) for _ in range(7)) / count * 1e6


def torch_time(row):
    n = row["size"]
    rows = (1, 1) if n == 1 else (n // 8, 8)
    transposed = row["layout"] == "transposed"
    numbers = torch.arange(n, dtype=torch.float32).mul(0.618).remainder(1.0) + 0.01
    x = numbers.reshape(rows).t() if transposed else numbers
    name = row["op"]
    fn = getattr(torch.nn.functional if name in FUNCTIONAL else torch, name)
    args = [x]
    if name in BINARY:
        args.append(x.clone())
    if name in ALONG or name == "gather":
        args.append(-1)
    if name == "gather":
        index = torch.arange(n).mul(7919).remainder(x.size(-1))
        args.append(index.reshape(rows).t() if transposed else index)
    return time_of(lambda: fn(*args))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_ops")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("ops", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    command = [args.bench_ops, str(args.threads), *args.ops]
    rows = []
    with torch.no_grad():
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            row = json.loads(line)
            row["torch"] = torch_time(row)
            rows.append(row)
    print(f"{'op':14} {'elements':>9} {'layout':>11} {'iolaus us':>11} {'torch us':>11} {'ratio':>6}")
    for row in sorted(rows, key=lambda r: r["torch"] / r["us"]):
        print(f"{row['op']:14} {row['size']:9} {row['layout']:>11} {row['us']:11.2f} "
              f"{row['torch']:11.2f} {row['torch'] / row['us']:6.2f}")


if __name__ == "__main__":
    main()
