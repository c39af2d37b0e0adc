"""Runs `iolaus bench` and step_torch.py by turns and prints medians and ratios.

Usage: compare.py IOLAUS PYTHON [--threads 1 2] [--rounds 3] [--device cpu|cuda]
PYTHON is an interpreter that has torch. A ratio above 1 means that Iolaus is faster.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

CASES = ["mlp_b64", "course_b4", "course_b64", "mnist_cnn_b64"]
HERE = pathlib.Path(__file__).resolve().parent


def lines(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {row["case"]: row["us"] for row in map(json.loads, out.splitlines())}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("iolaus")
    parser.add_argument("python")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    print(f"{'case':16} {'threads':>7} {'iolaus us':>10} {'torch us':>10} {'ratio':>6}")
    for threads in args.threads:
        ours, theirs = {}, {}
        for _ in range(args.rounds):
            for name in CASES:
                a = lines([args.iolaus, "bench", f"cases=[{name}]", f"threads={threads}",
                           f"device={args.device}", "dispatch=false", "repeats=5"])
                b = lines([args.python, str(HERE / "step_torch.py"), "--threads", str(threads),
                           "--device", args.device, "--repeats", "5", name])
                ours.setdefault(name, []).append(a[name])
                theirs.setdefault(name, []).append(b[name])
        for name in CASES:
            a, b = statistics.median(ours[name]), statistics.median(theirs[name])
            print(f"{name:16} {threads:7} {a:10.1f} {b:10.1f} {b / a:6.2f}")


if __name__ == "__main__":
    main()
