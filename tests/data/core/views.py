"""Makes views.json: chains of random views and the geometry that PyTorch gives after each step.

Run with a Python that has torch: python tests/data/core/views.py
A step that PyTorch refuses is recorded with "error" and skipped.
"""

import json
import pathlib
import random

import torch

random.seed(20)
CHAINS = 500


def dim_of(t, extra=0):
    n = max(t.dim() + extra, 1)
    return random.randint(-n, n - 1)


def size_at(t, dim):
    return t.shape[dim] if t.dim() else 1


def step(t):
    op = random.choice(["select", "slice", "narrow", "transpose", "permute", "expand", "view",
                        "squeeze", "squeeze_dim", "unsqueeze", "unfold", "diagonal", "as_strided"])
    d = dim_of(t)
    n = size_at(t, d)
    if op == "select":
        return op, [d, random.randint(-n - 1, n)]
    if op == "slice":
        return op, [d, random.randint(-n - 2, n + 2), random.randint(-n - 2, n + 2),
                    random.choice([1, 1, 2, 3])]
    if op == "narrow":
        start = random.randint(0, n)
        return op, [d, start - random.choice([0, n]), random.randint(0, n - start + 1)]
    if op == "transpose":
        return op, [d, dim_of(t)]
    if op == "permute":
        dims = random.sample(range(t.dim()), t.dim())
        return op, [x - random.choice([0, t.dim()]) for x in dims]
    if op == "expand":
        sizes = [random.choice([-1, random.randint(0, 3)]) if s == 1 else random.choice([s, -1])
                 for s in t.shape]
        return op, [random.randint(1, 3) for _ in range(random.choice([0, 0, 1, 2]))] + sizes
    if op == "view":
        sizes, rest = [], t.numel()
        while rest > 1 and len(sizes) < 4:
            factor = random.choice([f for f in range(1, rest + 1) if rest % f == 0])
            sizes.append(factor)
            rest //= factor
        sizes.append(rest)
        if random.random() < 0.4:
            sizes[random.randrange(len(sizes))] = -1
        return op, sizes
    if op == "squeeze":
        return op, []
    if op == "squeeze_dim":
        return op, [d]
    if op == "unsqueeze":
        return op, [dim_of(t, 1)]
    if op == "unfold":
        return op, [d, random.randint(0, n + 1), random.randint(1, 3)]
    if op == "diagonal":
        return op, [random.randint(-3, 3), d, dim_of(t)]
    rank = random.randint(0, 3)
    return op, [[random.randint(0, 3) for _ in range(rank)],
                [random.randint(0, 5) for _ in range(rank)], random.randint(0, 6)]


def apply(t, op, args):
    if op in ("permute", "expand", "view"):
        return getattr(t, op)(args)
    if op == "slice":
        d, start, end, by = args
        index = [slice(None)] * t.dim()
        index[d] = slice(start, end, by)
        return t[tuple(index)]
    if op == "squeeze_dim":
        return t.squeeze(*args)
    return getattr(t, op)(*args)


def main():
    chains = []
    for _ in range(CHAINS):
        shape = [random.choice([1, 2, 3, 4, 5, 1, 0 if random.random() < 0.2 else 2])
                 for _ in range(random.randint(0, 5))]
        t = torch.arange(torch.Size(shape).numel()).reshape(shape)
        steps = []
        for _ in range(random.randint(1, 8)):
            op, args = step(t)
            entry = {"op": op, "args": args}
            try:
                t = apply(t, op, args)
                entry |= {"sizes": list(t.shape), "strides": list(t.stride()),
                          "offset": t.storage_offset()}
            except (RuntimeError, IndexError, ValueError):
                entry["error"] = True
            steps.append(entry)
            if t.numel() > 5000:
                break
        chains.append({"shape": shape, "steps": steps})
    lines = ",\n".join(json.dumps(chain) for chain in chains)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f'{{"torch": "{torch.__version__}", "chains": [\n{lines}\n]}}\n')
    steps = [s for c in chains for s in c["steps"]]
    print(len(steps), "steps,", sum("error" in s for s in steps), "refused,",
          path.stat().st_size, "bytes")


main()
