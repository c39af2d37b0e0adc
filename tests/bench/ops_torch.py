"""Times ops beside PyTorch and prints the ratios, the worst first.

Usage: ops_torch.py BENCH_OPS [--device cpu|cuda] [--threads N] [--rounds N] [--size N...]
                    [--below RATIO] [--json FILE] [OP...]
Run it with an interpreter that has torch. A ratio above 1 means that Iolaus is faster. Samples of
both (3 ms or one call) are taken by turns; the times are the medians of the rounds. Both call by
name: bench_ops looks the op up and binds its arguments, PyTorch has its Python call.

Layouts: contiguous; transposed (all matrices are transposes of contiguous ones); mixed (the first
is contiguous, the second transposed).
"""

import argparse
import json
import statistics
import subprocess
import time
import warnings

import torch
import torch.nn.functional as F

SIZES = [1, 1000, 100_000, 10_000_000]
SHAPES = {1: [1, 1], 1000: [25, 40], 100_000: [250, 400], 10_000_000: [2500, 4000]}
LAYOUTS = ["contiguous", "transposed"]

UNARY = """neg abs sign exp expm1 log log1p log2 sqrt rsqrt square reciprocal sin cos tanh erf floor
ceil round trunc isnan isinf isfinite logical_not relu leaky_relu elu gelu silu mish sigmoid hardtanh
hardswish softplus clone zeros_like""".split()
SIGNED = "abs sign relu leaky_relu elu gelu silu mish sigmoid hardtanh hardswish softplus".split()
BINARY = """add sub mul div floor_divide remainder pow maximum minimum atan2 eq lt logical_and
logical_xor""".split()
REDUCE = "sum mean var std amax amin norm prod count_nonzero any all".split()
ALONG = "max min argmax argmin logsumexp softmax log_softmax cumsum cumprod".split()


def T(i):
    return {"tensor": i}


def matrix(n, layout="contiguous", **more):
    return {"sizes": SHAPES[n], "transposed": layout == "transposed", **more}


def case(op, tensors, args, n, layout="contiguous", what="", **named):
    return {"op": op, "tensors": tensors, "args": args, "named": named, "size": n, "layout": layout,
            "what": what}


def elementwise(n):
    for layout in LAYOUTS:
        x = matrix(n, layout)
        for op in UNARY:
            yield case(op, [x], [T(0)], n, layout)
        for op in BINARY:
            yield case(op, [x, x], [T(0), T(1)], n, layout)
        for op in SIGNED:
            yield case(op, [{**x, "plus": -0.5}], [T(0)], n, layout, "signed")
        yield case("gelu", [x], [T(0)], n, layout, "tanh", approximate="tanh")
        yield case("add_", [x, x], [T(0), T(1)], n, layout)
        yield case("mul_", [x], [T(0), 1.0], n, layout, "number")
        yield case("fill_", [x], [T(0), 1.5], n, layout)
        yield case("clamp", [x], [T(0), 0.2, 0.8], n, layout)
        yield case("lerp", [x, x], [T(0), T(1), 0.3], n, layout)
        yield case("addcmul", [x, x, x], [T(0), T(1), T(2)], n, layout)
        yield case("addcdiv", [x, x, x], [T(0), T(1), T(2)], n, layout)
        mask = matrix(n, layout, below=2, dtype="bool")
        yield case("where", [mask, x, x], [T(0), T(1), T(2)], n, layout)
        yield case("masked_fill", [x, mask], [T(0), T(1), 2.0], n, layout)
        rows, columns = x["sizes"]
        yield case("add", [x], [T(0), 2], n, layout, "number")
        yield case("add", [x, {"sizes": [columns]}], [T(0), T(1)], n, layout, "row")
        yield case("mul", [x, {"sizes": [rows, 1]}], [T(0), T(1)], n, layout, "column")
        yield case("pow", [x], [T(0), 2], n, layout, "square")
        yield case("prelu", [{**x, "sizes": [rows, columns]}, {"sizes": [1]}], [T(0), T(1)], n, layout)
        for source, target in [("float32", "bfloat16"), ("bfloat16", "float32"), ("float32", "float64"),
                               ("float32", "int64"), ("int64", "float32"), ("bool", "float32"),
                               ("float32", "float16")]:
            number = {} if source in ("float32", "bfloat16") else {"below": 2}
            yield case("to", [matrix(n, layout, dtype=source, **number)], [T(0), target], n, layout,
                       f"{source} to {target}")
        for op, dtype in [("add", "float64"), ("mul", "bfloat16"), ("add", "int64"), ("exp", "bfloat16"),
                          ("exp", "float64")]:
            y = matrix(n, layout, dtype=dtype, **({"below": 100} if dtype == "int64" else {}))
            two = op in BINARY
            yield case(op, [y] * (1 + two), [T(0), T(1)][:1 + two], n, layout, dtype)
    mixed = [matrix(n), matrix(n, "transposed")]
    yield case("add", mixed, [T(0), T(1)], n, "mixed")
    yield case("mul", mixed, [T(0), T(1)], n, "mixed")
    yield case("contiguous", mixed[1:], [T(0)], n, "transposed")
    yield case("copy_", mixed, [T(0), T(1)], n, "mixed")
    yield case("where", [{**mask, "transposed": False}, *mixed], [T(0), T(1), T(2)], n, "mixed")
    if n > 1:
        heads = {1000: [1, 5, 5, 40], 100_000: [2, 50, 10, 100], 10_000_000: [16, 125, 50, 100]}[n]
        yield case("contiguous", [{"sizes": heads, "order": [0, 2, 1, 3]}], [T(0)], n, "heads")
        yield case("contiguous", [{"sizes": heads, "order": [0, 3, 1, 2]}], [T(0)], n, "channels")
        yield case("contiguous", [{"sizes": heads, "order": [0, 2, 3, 1]}], [T(0)], n, "channels",
                   "last")


def reductions(n):
    for layout in LAYOUTS:
        x = matrix(n, layout)
        for op in REDUCE:
            dims = [(None, "all"), (1, "rows"), (0, "columns")]
            for dim, what in dims:
                if op == "prod" or op in ("any", "all"):
                    args = [] if dim is None else [dim]
                    y = {**x, "plus": 0.5} if op == "prod" else x  # neither 0 nor subnormal
                    yield case(op, [y], [T(0), *args], n, layout, what)
                elif op in ("var", "std", "norm", "count_nonzero", "sum", "mean", "amax", "amin"):
                    named = {} if dim is None else {"dim": [dim]}
                    yield case(op, [x], [T(0)], n, layout, what, **named)
        for op in ALONG:
            for dim, what in [(1, "rows"), (0, "columns")]:
                dims = [dim] if op == "logsumexp" else dim
                yield case(op, [x], [T(0), dims], n, layout, what)
        yield case("median", [x], [T(0), 1], n, layout, "rows")
    for dtype in ("bfloat16", "float64", "int64", "bool"):
        number = {"below": 2} if dtype in ("int64", "bool") else {}
        for dim, what in [(None, "all"), (1, "rows"), (0, "columns")]:
            named = {} if dim is None else {"dim": [dim]}
            yield case("sum", [matrix(n, dtype=dtype, **number)], [T(0)], n, "contiguous",
                       f"{dtype} {what}", **named)


def shapes(n):
    for layout in LAYOUTS:
        x = matrix(n, layout)
        rows, columns = x["sizes"]
        yield case("cat", [x, x], [[T(0), T(1)], 0], n, layout, "rows")
        yield case("cat", [x, x], [[T(0), T(1)], 1], n, layout, "columns")
        yield case("stack", [x, x], [[T(0), T(1)], 0], n, layout)
        yield case("flip", [x], [T(0), [0]], n, layout, "rows")
        yield case("flip", [x], [T(0), [1]], n, layout, "columns")
        yield case("roll", [x], [T(0), [1], [1]], n, layout)
        yield case("repeat", [x], [T(0), [2, 1]], n, layout)
        yield case("repeat_interleave", [x], [T(0), 2, 0], n, layout)
        yield case("pad", [x], [T(0), [1, 1]], n, layout)
        yield case("tril", [x], [T(0)], n, layout)
        yield case("triu", [x], [T(0)], n, layout)


def indexing(n):
    for layout in LAYOUTS:
        x = matrix(n, layout)
        rows, columns = x["sizes"]
        index = matrix(n, layout, below=columns)
        across = matrix(n, layout, below=rows)
        picks = {"sizes": [rows], "below": rows}
        few = {"sizes": [columns], "below": columns}
        mask = matrix(n, layout, below=3, dtype="bool")
        yield case("gather", [x, index], [T(0), 1, T(1)], n, layout, "rows")
        yield case("gather", [x, across], [T(0), 0, T(1)], n, layout, "columns")
        yield case("take_along_dim", [x, index], [T(0), T(1), 1], n, layout)
        yield case("scatter", [x, index, x], [T(0), 1, T(1), T(2)], n, layout)
        yield case("scatter_add", [x, index, x], [T(0), 1, T(1), T(2)], n, layout, "rows")
        yield case("scatter_add", [x, across, x], [T(0), 0, T(1), T(2)], n, layout, "columns")
        yield case("scatter_reduce", [x, index, x], [T(0), 1, T(1), T(2), "amax"], n, layout, "amax")
        yield case("index_select", [x, picks], [T(0), 0, T(1)], n, layout, "rows")
        yield case("index_select", [x, few], [T(0), 1, T(1)], n, layout, "columns")
        yield case("index_add", [x, picks, x], [T(0), 0, T(1), T(2)], n, layout)
        yield case("index_put", [x, picks, x], [T(0), [T(1)], T(2)], n, layout)
        yield case("index_put", [x, picks, x], [T(0), [T(1)], T(2)], n, layout, "accumulate",
                   accumulate=True)
        yield case("index", [x, picks], [T(0), [T(1)]], n, layout, "rows")
        yield case("masked_select", [x, mask], [T(0), T(1)], n, layout)
        yield case("nonzero", [mask], [T(0)], n, layout)
        yield case("topk", [x], [T(0), min(10, columns), 1], n, layout)
        yield case("sort", [x], [T(0), 1], n, layout, "rows")
        yield case("argsort", [x], [T(0), 0], n, layout, "columns")
    flat = {"sizes": [n]}
    if n <= 1_000_000:
        yield case("sort", [flat], [T(0)], n)
        yield case("unique", [{"sizes": [n], "below": 1000}], [T(0)], n)
        yield case("sort", [{"sizes": [n], "below": 1000003}], [T(0)], n, "contiguous", "int64")
    yield case("topk", [flat], [T(0), min(n, 100)], n, "contiguous", "one row")
    yield case("cumsum", [flat], [T(0), 0], n, "contiguous", "one row")
    yield case("bincount", [{"sizes": [n], "below": 1000}], [T(0)], n)
    yield case("searchsorted", [{"sizes": [1000], "below": 10**9}, {"sizes": [n], "below": 10**7}],
               [T(0), T(1)], n)
    if n <= 100_000:
        yield case("one_hot", [{"sizes": [n], "below": 10}], [T(0), 10], n)
    d = min(n, 100)
    yield case("embedding", [{"sizes": [n // d, d]}, {"sizes": [n // d], "below": n // d}],
               [T(1), T(0)], n)


def layers(n):
    for layout in LAYOUTS:
        x = matrix(n, layout)
        rows, columns = x["sizes"]
        w = {"sizes": [columns]}
        yield case("layer_norm", [x, w, w], [T(0), [columns], T(1), T(2)], n, layout)
        yield case("rms_norm", [x, w], [T(0), [columns], T(1)], n, layout)
        if n > 1:
            yield case("batch_norm", [x, w, w, w, w], [T(0), T(1), T(2), T(3), T(4), True], n, layout,
                       "training")
        yield case("batch_norm", [x, w, w, w, w], [T(0), T(1), T(2), T(3), T(4), False], n, layout,
                   "inference")
        yield case("glu", [{**x, "sizes": [rows, columns + columns % 2]}], [T(0), 1], n, layout)
        yield case("cross_entropy", [x, {"sizes": [rows], "below": columns}], [T(0), T(1)], n, layout)
        yield case("nll_loss", [x, {"sizes": [rows], "below": columns}], [T(0), T(1)], n, layout)
        yield case("normalize", [x], [T(0)], n, layout)
        yield case("cosine_similarity", [x, x], [T(0), T(1)], n, layout)
        for loss in ("mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"):
            yield case(loss, [x, x], [T(0), T(1)], n, layout)
    side = {1: 1, 1000: 32, 100_000: 316}.get(n)
    if n >= 1000:
        c = {1000: 10, 100_000: 100, 10_000_000: 1000}[n]
        image = {"sizes": [1, c, 10, n // c // 10] if n < 10_000_000 else [16, 64, 98, 100]}
        c = image["sizes"][1]
        w = {"sizes": [c]}
        yield case("batch_norm", [image, w, w, w, w], [T(0), T(1), T(2), T(3), T(4), True], n,
                   what="image")
        yield case("group_norm", [image, w, w], [T(0), 2, T(1), T(2)], n)
        yield case("max_pool2d", [image], [T(0), [2, 2]], n)
        yield case("avg_pool2d", [image], [T(0), [2, 2]], n)
        yield case("interpolate", [image], [T(0)], n, what="nearest", scale_factor=2.0)
    heads = {1000: [1, 2, 25, 20], 100_000: [2, 5, 100, 100]}.get(n)
    if heads:
        q = {"sizes": heads}
        yield case("scaled_dot_product_attention", [q, q, q], [T(0), T(1), T(2)], n)
        kernel = {"sizes": [c, c, 3, 3]}
        yield case("conv2d", [image, kernel], [T(0), T(1)], n, what="3x3", padding=1)
    for layout in LAYOUTS if side else []:
        a = {"sizes": [side, side], "transposed": layout == "transposed"}
        v = {"sizes": [side]}
        yield case("mm", [a, a], [T(0), T(1)], n, layout)
        yield case("mv", [a, v], [T(0), T(1)], n, layout)
        yield case("addmm", [v, a, a], [T(0), T(1), T(2)], n, layout)
        yield case("linear", [a, a, v], [T(0), T(1), T(2)], n, layout)
        yield case("linear", [{"sizes": [8, side]}, a, v], [T(0), T(1), T(2)], n, layout, "8 rows")
    for b, m in {1: [(1, 1)], 1000: [(10, 10)], 100_000: [(10, 100), (1000, 10)]}.get(n, []):
        x = {"sizes": [b, m, m]}
        yield case("bmm", [x, x], [T(0), T(1)], n, what=f"{b} of {m}")
        yield case("baddbmm", [x, x, x], [T(0), T(1), T(2)], n, what=f"{b} of {m}")
    for op in ["dot"]:
        yield case(op, [{"sizes": [n]}] * 2, [T(0), T(1)], n)
    if side:
        yield case("outer", [{"sizes": [side]}] * 2, [T(0), T(1)], n)
    yield case("arange", [], [n], n)
    for op in ("full",):
        yield case(op, [], [[n], 1.5], n)
    for op in ("rand", "randn"):
        yield case(op, [], [[n]], n)
    yield case("randperm", [], [n], n)
    yield case("bernoulli", [{"sizes": [n]}], [T(0)], n)
    yield case("dropout", [{"sizes": [n]}], [T(0), 0.5, True], n)


def forms(n):
    """In place, and into memory that is there already."""
    for layout in LAYOUTS:
        x = matrix(n, layout)
        rows, columns = x["sizes"]
        for op in ("relu_", "sigmoid_", "neg_", "floor_"):
            yield case(op, [x], [T(0)], n, layout)
        for op in ("add_", "sub_", "eq_"):
            yield case(op, [x, x], [T(0), T(1)], n, layout)
        yield case("mul_", [x], [T(0), 1.0], n, layout, "number")
        yield case("clamp_", [x], [T(0), 0.2, 0.8], n, layout)
        yield case("lerp_", [x, x], [T(0), T(1), 0.3], n, layout)
        yield case("masked_fill_", [x, matrix(n, layout, below=2, dtype="bool")], [T(0), T(1), 2.0], n,
                   layout)
        index = matrix(n, layout, below=columns)
        few, part = {"sizes": [10], "below": rows}, {"sizes": [10, columns]}
        yield case("scatter_add_", [x, index, x], [T(0), 1, T(1), T(2)], n, layout)
        yield case("index_add_", [x, few, part], [T(0), 0, T(1), T(2)], n, layout, "10 rows")
        yield case("exp", [x, x], [T(0)], n, layout, "out", out=T(1))
        yield case("add", [x, x, x], [T(0), T(1)], n, layout, "out", out=T(2))
        yield case("sum", [x, {"sizes": [rows]}], [T(0), 1], n, layout, "out", out=T(1))
        yield case("cumsum", [x, matrix(n)], [T(0), 1], n, layout, "out", out=T(1))
        yield case("cat", [x, x, {"sizes": [2 * rows, columns]}], [[T(0), T(1)]], n, layout, "out",
                   out=T(2))
        if n <= 100_000:
            square = {"sizes": [columns, columns]}
            yield case("mm", [x, square, {"sizes": [rows, columns]}], [T(0), T(1)], n, layout, "out",
                       out=T(2))


FAMILIES = [elementwise, reductions, shapes, indexing, layers, forms]


def torch_tensor(spec, device):
    sizes = list(spec["sizes"])
    transposed = spec.get("transposed", False)
    if transposed:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    count = 1
    for size in sizes:
        count *= size
    if "below" in spec:
        flat = torch.arange(count, device=device).mul(7919).remainder(spec["below"])
    else:
        flat = torch.arange(count, dtype=torch.float32, device=device).mul(0.618).remainder(0.98)
        flat += 0.01 + spec.get("plus", 0)
    x = flat.to(getattr(torch, spec["dtype"]) if "dtype" in spec else flat.dtype).reshape(sizes)
    if "order" in spec:
        return x.permute(spec["order"])
    return x.t() if transposed else x


def torch_call(case, device):
    tensors = [torch_tensor(spec, device) for spec in case["tensors"]]

    def value(v):
        if isinstance(v, dict):
            return tensors[v["tensor"]]
        return [value(x) for x in v] if isinstance(v, list) else v

    op, args = case["op"], [value(v) for v in case["args"]]
    named = {k: value(v) for k, v in case["named"].items()}
    if op == "to":
        dtype = getattr(torch, args[1])
        return lambda: args[0].to(dtype)
    if op in ("contiguous", "repeat") or op.endswith("_"):
        return lambda: getattr(args[0], op)(*args[1:])
    if op == "index":
        return lambda: args[0][args[1][0]]
    if op == "batch_norm":
        return lambda: F.batch_norm(*args[:5], training=args[5])
    if op == "scatter_add":
        return lambda: args[0].scatter_add(*args[1:])
    if op == "scatter_reduce":
        return lambda: args[0].scatter_reduce(*args[1:])
    if op == "scaled_dot_product_attention":
        return lambda: F.scaled_dot_product_attention(*args)
    if op == "dot":
        return lambda: torch.dot(*args)
    functional = hasattr(F, op) and not hasattr(torch, op) or op in (
        "layer_norm", "rms_norm", "group_norm", "embedding", "dropout", "max_pool2d", "softmax",
        "log_softmax", "relu", "prelu", "pad", "linear")
    fn = getattr(F if functional else torch, op)
    if op in ("softmax", "log_softmax", "pad"):
        fn = getattr(torch, op) if op != "pad" else F.pad
    return lambda: fn(*args, **named)


def seconds(call, count, device):
    start = time.perf_counter()
    for _ in range(count):
        call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


class Bench:
    """The program, with one case at a time."""

    def __init__(self, program, threads, device):
        self.process = subprocess.Popen([program, str(threads), device], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench_ops ended at {message}")
        return float(answer)


def measure(bench, case, rounds, device, pause):
    """Microseconds here and in PyTorch: medians of samples taken by turns."""
    call, count = torch_call(case, device), 1
    seconds(call, 1, device)
    while seconds(call, count, device) < 3e-3:
        count *= 2
    bench.ask(case)
    samples = []
    for _ in range(rounds):
        # OpenMP's threads look for work for some ms: PyTorch's would take our second core.
        time.sleep(pause)
        ours = bench.ask({})
        time.sleep(pause)
        samples.append((ours, seconds(call, count, device) / count * 1e6))
    return [statistics.median(column) for column in zip(*samples)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_ops")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, nargs="*", default=SIZES)
    parser.add_argument("--below", type=float, default=float("inf"), help="prints lower ratios only")
    parser.add_argument("--json", help="file for all rows")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="leaves out what is later")
    parser.add_argument("ops", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")  # the variance of one element
    bench, rows = Bench(args.bench_ops, args.threads, args.device), []
    pause = 0.01 if args.threads > 1 and args.device == "cpu" else 0
    begin, left_out, failed = time.perf_counter(), 0, []
    with torch.no_grad():
        for made in (made for n in args.size for family in FAMILIES for made in family(n)):
            if args.ops and made["op"] not in args.ops:
                continue
            if args.device == "cuda" and not made["tensors"]:
                continue  # made on the CPU
            if time.perf_counter() - begin > args.seconds:
                left_out += 1
                continue
            ours, theirs = measure(bench, made, args.rounds, args.device, pause)
            if not ours > 0:
                failed.append(f"{made['op']} {made['what']}")
                continue
            rows.append({**{k: made[k] for k in ("op", "what", "size", "layout")},
                         "threads": args.threads, "iolaus": ours, "torch": theirs,
                         "ratio": theirs / ours})
    if args.json:
        with open(args.json, "w") as file:
            json.dump(rows, file)
    print(f"{'op':34} {'elements':>9} {'layout':>11} {'iolaus us':>11} {'torch us':>11} {'ratio':>6}")
    for row in sorted(rows, key=lambda r: r["ratio"]):
        if row["ratio"] < args.below:
            print(f"{row['op'] + ' ' + row['what']:34} {row['size']:9} {row['layout']:>11} "
                  f"{row['iolaus']:11.2f} {row['torch']:11.2f} {row['ratio']:6.2f}")
    slow = sum(row["ratio"] < 0.9 for row in rows)
    if failed:
        print("failed here:", "; ".join(failed))
    print(f"{len(rows)} cases, {slow} below 0.9, median "
          f"{statistics.median(r['ratio'] for r in rows):.2f}, {left_out} left out for lack of time")


if __name__ == "__main__":
    main()
