"""Times the training steps of `iolaus bench` in PyTorch: the same models, batches and optimizer.

Prints one line of JSON per case, in the format of `iolaus bench`.
Usage: step_torch.py [--threads N] [--repeats N] [--device cpu|cuda] [CASE...]
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn


def course():
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


CASES = {
    "mlp_b64": (mlp, (64, 784)),
    "course_b4": (course, (4, 3, 32, 32)),
    "course_b64": (course, (64, 3, 32, 32)),
    "mnist_cnn_b64": (mnist_cnn, (64, 1, 28, 28)),
}


def report(name, call, repeats, device, seconds=0.2, warmup=20):
    def wait():
        if device != "cpu":
            torch.cuda.synchronize()

    for _ in range(warmup):
        call()
    wait()
    start = time.perf_counter()
    call()
    wait()
    calls = max(1, int(seconds / (time.perf_counter() - start)))
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        wait()
        samples.append((time.perf_counter() - start) / calls * 1e6)
    samples.sort()
    n = len(samples)
    print(json.dumps({
        "case": name, "us": statistics.median(samples), "us_q1": samples[n // 4],
        "us_q3": samples[n - 1 - n // 4], "threads": torch.get_num_threads(), "device": device}),
        flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    for name in args.cases:
        make, shape = CASES[name]
        model = make().to(args.device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
        loss = nn.CrossEntropyLoss()
        x = torch.randn(shape, device=args.device)
        target = torch.randint(0, 10, (shape[0],), device=args.device)

        def step():
            optimizer.zero_grad()
            loss(model(x), target).backward()
            optimizer.step()

        report(name, step, args.repeats, args.device)


if __name__ == "__main__":
    main()
