"""Images per second of Fashion-MNIST from the loader alone, beside PyTorch's DataLoader.

In PyTorch: a map dataset over uint8 tensors; each sample is padded, cropped and flipped as
torchvision's tensor transforms do it, then divided by 255 and normalised; batches of 64, shuffled,
the default collate function. Usage: loader.py BENCH_LOADER [--epochs N], with a Python that has torch
"""

import argparse
import gzip
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F

FOLDER = "/usr/share/datasets/fashion-mnist"


def read(name, header):
    with gzip.open(f"{FOLDER}/{name}") as file:
        return torch.frombuffer(bytearray(file.read()[header:]), dtype=torch.uint8)


class Images(torch.utils.data.Dataset):
    def __init__(self, augment):
        self.images = read("train-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28)
        self.labels = read("train-labels-idx1-ubyte.gz", 8).tolist()
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.augment:
            image = F.pad(image, (4, 4, 4, 4))
            top, left = torch.randint(0, 9, (2,)).tolist()
            image = image[:, top : top + 28, left : left + 28]
            if torch.rand(1) < 0.5:
                image = image.flip(-1)
        return image.float().div_(255).sub_(0.2860).div_(0.3530), self.labels[index]


def images_per_second(augment, workers, epochs):
    loader = torch.utils.data.DataLoader(Images(augment), batch_size=64, shuffle=True,
                                         num_workers=workers, persistent_workers=workers > 0)
    rates = []
    for _ in range(epochs):
        begin = time.perf_counter()
        count = sum(len(labels) for _, labels in loader)
        rates.append(count / (time.perf_counter() - begin))
    return statistics.median(rates)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_loader")
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    out = subprocess.run([args.bench_loader, str(args.epochs)], check=True, capture_output=True, text=True)
    ours = {row["case"]: row for row in map(json.loads, out.stdout.splitlines())}
    begin = time.perf_counter()
    Images(False)
    print(f"reading the images: iolaus {ours['read']['seconds']:.3f} s, "
          f"torch {time.perf_counter() - begin:.3f} s")
    print(f"{'case':14} {'iolaus img/s':>13} {'torch img/s':>12} {'ratio':>7}")
    for workers in (0, 2):
        for name, augment in (("plain", False), ("crop_flip", True)):
            a = ours[f"{name}_{workers}"]["images_per_s"]
            b = images_per_second(augment, workers, args.epochs)
            print(f"{name + '_' + str(workers):14} {a:13.0f} {b:12.0f} {a / b:7.1f}")


if __name__ == "__main__":
    main()
