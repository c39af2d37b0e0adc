#!/usr/bin/env python3
"""Writes a config tree of a given size, for the benchmark: make_tree.py DIR [GROUPS] [LINES]."""

import os
import sys


def main():
    top, groups, lines = sys.argv[1], 100, 42
    if len(sys.argv) > 2:
        groups = int(sys.argv[2])
    if len(sys.argv) > 3:
        lines = int(sys.argv[3])
    os.makedirs(top, exist_ok=True)
    defaults = []
    for g in range(groups):
        folder = os.path.join(top, f"group{g}")
        os.makedirs(folder, exist_ok=True)
        for option in ("a", "b"):
            with open(os.path.join(folder, option + ".yaml"), "w") as f:
                for i in range(lines):
                    f.write(f"key{i}: {option}{g * i % 97}\n" if i % 3 else f"num{i}: {i * 0.5}\n")
        defaults.append(f"- group{g}: a\n")
    with open(os.path.join(top, "config.yaml"), "w") as f:
        f.write("defaults:\n" + "".join(defaults) + "- _self_\nx: 1\nlr: 0.1\n")


main()
