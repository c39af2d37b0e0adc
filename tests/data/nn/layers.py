"""Makes layers.safetensors: PyTorch's modules and losses with their weights, inputs, outputs and
gradients, for tests/nn/layers_pytorch_test.cpp.

Run with a Python that has torch and safetensors: python tests/data/nn/layers.py
The metadata "cases" is a JSON list: the config of each module, how it is called, which inputs it
has. Tensors are <case>/state/<name>, <case>/in/<name>, <case>/out/<number>, <case>/grad/<name>
(inputs as in.<name>) and <case>/after/<buffer>. Gradients are those of the sum of all outputs times
weights (i % 7 - 3) / 4, i the place in memory.
"""

import json
import pathlib
from collections import OrderedDict

import torch
from safetensors.torch import save_file
from torch import nn

from layer_cases import CASES, CUSTOM

DEFAULTS = {"dtype": "float64", "train": True, "call": "plain"}


def build(config):
    if isinstance(config, list):
        items = [build(c) for c in config]
        return items if any(isinstance(i, nn.Module) for i in items) else tuple(items)
    if not isinstance(config, dict):
        return config
    if "_target_" not in config:
        return OrderedDict((k, build(v)) for k, v in config.items())
    args = {k: build(v) for k, v in config.items() if k not in ("_target_", "_args_")}
    positional = build(config.get("_args_", []))
    name = config["_target_"]
    if name in CUSTOM:
        return CUSTOM[name](*positional, **args)
    if name == "torch.nn.Sequential" and "layers" in args:
        return nn.Sequential(args["layers"])
    if name.endswith("Loss"):
        for key in ("weight", "pos_weight"):
            if args.get(key) is not None:
                args[key] = torch.tensor(args[key])
    owner = torch
    for part in name.split(".")[1:]:
        owner = getattr(owner, part)
    return owner(*positional, **args)


def flat(result):
    if torch.is_tensor(result):
        return [result]
    return [t for part in result if part is not None for t in flat(part)]


def randomise(module):
    with torch.no_grad():
        for p in module.parameters():
            p.normal_().mul_(0.5)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)


CALLS = {
    "state": lambda m, x: [],
    "attention": lambda m, x: m(x["query"], x["key"], x["value"], need_weights=False,
                                key_padding_mask=x.get("key_padding"),
                                attn_mask=x.get("attention"))[0],
    "attention_weights": lambda m, x: m(x["query"], x["key"], x["value"],
                                        key_padding_mask=x.get("key_padding"),
                                        attn_mask=x.get("attention")),
    "self_attention": lambda m, x: m(x["x"], x["x"], x["x"], need_weights=False)[0],
    "encoder": lambda m, x: m(x["src"], x.get("attention"),
                              src_key_padding_mask=x.get("key_padding")),
    "decoder": lambda m, x: m(x["tgt"], x["memory"], tgt_mask=x.get("attention"),
                              memory_key_padding_mask=x.get("key_padding")),
    "transformer": lambda m, x: m(x["src"], x["tgt"], tgt_mask=x.get("attention")),
    "output_alone": lambda m, x: m(x["x"])[0],
    "cell": lambda m, x: m(x["x"], x["h"]),
    "lstm": lambda m, x: m(x["x"], (x["h"], x["c"])),
    "output_size": lambda m, x: m(x["x"], output_size=[9, 7]),
    "with_itself": lambda m, x: m(x["x"], x["x"]),
    "loss_of_logits": lambda m, x: m(torch.log_softmax(x["x"], -1), x["y"], x["input_lengths"],
                                     x["target_lengths"]),
    "bag_weights": lambda m, x: m(x["x"], x["offsets"], per_sample_weights=x["weights"]),
}


def run(number, case, tensors):
    dtype = getattr(torch, case["dtype"])
    torch.manual_seed(number)
    module = build(case["config"]).to(dtype)
    randomise(module)
    module.train(case["train"])
    key = f"{number}/"
    is_loss = case["call"].startswith("loss")
    for name, t in module.state_dict().items():
        if not is_loss:
            tensors[key + "state/" + name] = t.detach().clone()
    inputs = OrderedDict()
    for name, t in case["inputs"].items():
        t = t() if callable(t) else t
        t = t.to(dtype) if t.is_floating_point() else t
        tensors[key + "in/" + name] = t.clone()
        inputs[name] = t.clone().requires_grad_() if t.is_floating_point() else t
    call = CALLS.get(case["call"], lambda m, x: m(*x.values()))
    outputs = flat(call(module, inputs))
    total = 0
    for i, out in enumerate(outputs):
        tensors[f"{key}out/{i}"] = out.detach().clone()
        if out.requires_grad:
            weights = (torch.arange(out.numel(), dtype=dtype) % 7 - 3) / 4
            total = total + (out * weights.reshape(out.shape)).sum()
    if torch.is_tensor(total):
        total.backward()
    for name, t in inputs.items():
        if t.is_floating_point() and t.grad is not None:
            tensors[key + "grad/in." + name] = t.grad
    for name, p in module.named_parameters():
        if p.grad is not None:
            tensors[key + "grad/" + name] = p.grad
    if case["train"] and not is_loss:
        for name, b in module.named_buffers():
            tensors[key + "after/" + name] = b.detach().clone()


def main():
    cases, tensors, seen = [], {}, set()
    for case in CASES:
        case = DEFAULTS | case
        variants = [case]
        if case["config"]["_target_"] not in seen and case["call"] != "state":
            variants.append(case | {"dtype": "float32"})
            seen.add(case["config"]["_target_"])
        for variant in variants:
            run(len(cases), variant, tensors)
            cases.append({k: v for k, v in variant.items() if k != "inputs"}
                         | {"inputs": list(variant["inputs"])})
    path = pathlib.Path(__file__).with_suffix(".safetensors")
    save_file({k: v.contiguous() for k, v in tensors.items()}, path,
              {"cases": json.dumps(cases), "torch": torch.__version__.split("+")[0]})
    print(len(cases), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
