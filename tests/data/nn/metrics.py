"""Makes metrics.json: torchmetrics' values for tests/nn/metrics_test.cpp.

Run with a Python that has torch and torchmetrics: python tests/data/nn/metrics.py
Each case has a config, batches of output and target, and the value after all of them.
"""

import json
import pathlib
import warnings

import torch
import torchmetrics

warnings.filterwarnings("ignore")
torch.manual_seed(5)
cases = []


def pack(t):
    kind = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64"}[t.dtype]
    return {"dtype": kind, "shape": list(t.shape), "values": t.reshape(-1).tolist()}


def case(name, batches, **args):
    metric = getattr(torchmetrics, name)(**args)
    for output, target in batches:
        metric.update(output, target)
    value = metric.compute()
    cases.append({"config": {"_target_": "torchmetrics." + name} | args,
                  "batches": [[pack(o), pack(t)] for o, t in batches],
                  "shape": list(value.shape), "value": value.double().reshape(-1).tolist()})


def rounded(t):
    return (t * 64).round() / 64


def distinct(*shape):
    """Logits without ties, also between batches: torch orders ties as it likes, and its sigmoid
    gives equal numbers unequal results at the end of a vector."""
    count = torch.Size(shape).numel()
    return ((torch.randperm(count) - count / 2) / 32 + shape[0] / 1024).reshape(shape)


def classes(count, *rest, used=None):
    """Two batches of outputs (N, count, ...) and targets below used."""
    return [(distinct(n, count, *rest),
             torch.randint(0, used or count, (n, *rest))) for n in (9, 6)]


def labels(*shape, logits=True):
    make = distinct if logits else lambda *s: rounded(torch.rand(*s))
    return [(make(n, *shape), torch.randint(0, 2, (n, *shape))) for n in (9, 6)]


def with_ignored(batches, value):
    for _, target in batches:
        target.reshape(-1)[::4] = value
    return batches


SCORES = ("Accuracy", "Precision", "Recall", "Specificity", "F1Score")
for name in SCORES + ("FBetaScore",):
    more = {"beta": 2.0} if name == "FBetaScore" else {}
    averages = ("micro", "macro", "weighted", "none") if name != "FBetaScore" else ("macro",)
    for average in averages:
        args = {"task": "multiclass", "num_classes": 4, "average": average} | more
        case(name, classes(4), **args)
        case(name, classes(4, used=3), **args)
        case(name, classes(4, 3), **args, top_k=2)
        case(name, with_ignored(classes(4), -1), **args, ignore_index=-1)
        case(name, with_ignored(classes(4), 2), **args, ignore_index=2)
        guesses = [(o.argmax(1), t) for o, t in classes(4)]
        case(name, guesses, **args)
        args = {"task": "multilabel", "num_labels": 3, "average": average} | more
        case(name, labels(3), **args)
        case(name, with_ignored(labels(3, 2, logits=False), -1), **args, ignore_index=-1,
             threshold=0.3)
    case(name, labels(), task="binary", **more)
    case(name, labels(logits=False), task="binary", threshold=0.7, **more)
    case(name, with_ignored(labels(2), -1), task="binary", ignore_index=-1, **more)

for normalize in (None, "true", "pred", "all"):
    args = {"normalize": normalize}
    case("ConfusionMatrix", classes(4, used=3), task="multiclass", num_classes=4, **args)
    case("ConfusionMatrix", labels(), task="binary", **args)
    case("ConfusionMatrix", labels(3), task="multilabel", num_labels=3, **args)
case("ConfusionMatrix", with_ignored(classes(4), -1), task="multiclass", num_classes=4,
     ignore_index=-1)
case("ConfusionMatrix", with_ignored(labels(3), -1), task="multilabel", num_labels=3,
     ignore_index=-1, threshold=0.3)

ties = [((torch.randn(n) * 2).round().clamp(-4, 4) / 8 + 0.5, torch.randint(0, 2, (n,)))
        for n in (20, 30)]
case("AUROC", ties, task="binary")
case("AUROC", labels(), task="binary")
case("AUROC", with_ignored(labels(2), -1), task="binary", ignore_index=-1)
case("AUROC", [(torch.rand(5), torch.ones(5, dtype=torch.int64))], task="binary")
case("AUROC", [(torch.rand(5), torch.zeros(5, dtype=torch.int64))], task="binary")
for average in ("macro", "weighted", "none"):
    case("AUROC", classes(4), task="multiclass", num_classes=4, average=average)
    case("AUROC", classes(4, used=3), task="multiclass", num_classes=4, average=average)
    case("AUROC", with_ignored(classes(4, 2), -1), task="multiclass", num_classes=4,
         average=average, ignore_index=-1)
for average in ("macro", "weighted", "none", "micro"):
    case("AUROC", labels(3), task="multilabel", num_labels=3, average=average)
    case("AUROC", with_ignored(labels(3, 2), -1), task="multilabel", num_labels=3,
         average=average, ignore_index=-1)

numbers = [(rounded(torch.randn(n, 3)), rounded(torch.randn(n, 3))) for n in (4, 5)]
case("MeanSquaredError", numbers)
case("MeanSquaredError", numbers, squared=False)
case("MeanAbsoluteError", numbers)
case("MeanMetric", [(rounded(torch.randn(4)), rounded(torch.rand(4))) for _ in range(2)])

out = {"torchmetrics": torchmetrics.__version__, "cases": cases}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
