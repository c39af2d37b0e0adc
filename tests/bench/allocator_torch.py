"""Replays an allocation trace through PyTorch's CUDA caching allocator, to stand beside
bench_allocator: the same columns. A GPU is needed for that.

allocator_torch.py TRACE                       a trace that `bench_allocator --write TRACE` wrote
allocator_torch.py --convert SNAPSHOT TRACE    makes a trace of a memory snapshot with history
                                               (PyTorch's or Iolaus's); needs no GPU and no torch
"""

import pickle
import sys
import time


def convert(snapshot_path, trace_path):
    with open(snapshot_path, "rb") as f:
        events = max(pickle.load(f)["device_traces"], key=len)
    ids, lines = {}, []
    for event in events:
        if event["action"] == "alloc":
            ids[event["addr"]] = len(lines)
            lines.append(f"a {ids[event['addr']]} {event['size']}")
        elif event["action"] == "free_completed" and event["addr"] in ids:
            lines.append(f"f {ids.pop(event['addr'])}")
    with open(trace_path, "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{len(lines)} events")


def read(path):
    trace = []
    with open(path) as f:
        for line in f:
            kind, name, *size = line.split()
            trace.append((int(name), int(size[0]) if kind == "a" else None))
    return trace


def run(torch, trace):
    alloc = torch._C._cuda_cudaCachingAllocator_raw_alloc
    free = torch._C._cuda_cudaCachingAllocator_raw_delete
    stream = torch.cuda.current_stream().cuda_stream
    live = {}
    start = time.perf_counter()
    for name, size in trace:
        if size is not None:
            live[name] = alloc(size, stream)
        elif name in live:
            free(live.pop(name))
    seconds = time.perf_counter() - start
    for address in live.values():
        free(address)
    return seconds


def overhead(trace):
    """Seconds of the same loop without an allocator: Python's own."""
    live = {}
    start = time.perf_counter()
    for name, size in trace:
        if size is not None:
            live[name] = size
        elif name in live:
            live.pop(name)
    return time.perf_counter() - start


def main(path):
    import torch

    trace = read(path)
    count = sum(size is not None for _, size in trace)
    torch.cuda.init()
    torch.cuda.reset_peak_memory_stats()
    loop = min(overhead(trace) for _ in range(5))
    first = run(torch, trace)
    best = min(run(torch, trace) for _ in range(20))
    stats = torch.cuda.memory_stats()
    asked, reserved = stats["requested_bytes.all.peak"], stats["reserved_bytes.all.peak"]
    print(f"torch {torch.__version__}: asked for {asked / 2**20:.1f} MiB, "
          f"reserved {reserved / 2**20:.1f} MiB, waste {100 * (1 - asked / reserved):.1f} %, "
          f"ns first {(first - loop) / count * 1e9:.0f}, then {(best - loop) / count * 1e9:.0f}, "
          f"requests {stats['num_device_alloc']}")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--convert":
        convert(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        sys.exit(__doc__)
