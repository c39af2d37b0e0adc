"""Makes autocast.json: what dtype PyTorch's autocast gives, op by op, on the CPU; and the scales of
torch.amp.GradScaler for series of infinities.

Run with a Python that has torch: python tests/data/nn/autocast.py
Each op gets float32 inputs, then bfloat16 ones, then the first in bfloat16 and the rest in float32;
null stands for an error. An int in the shapes' place stands for indices below it.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

IMAGE, KERNEL = [1, 2, 5, 5], [3, 2, 3, 3]
# name in our table, function, shapes, named arguments
OPS = [
    ("linear", F.linear, [[2, 3], [4, 3], [4]], {}),
    ("matmul", torch.matmul, [[2, 3], [3, 4]], {}),
    ("mm", torch.mm, [[2, 3], [3, 4]], {}),
    ("bmm", torch.bmm, [[2, 2, 3], [2, 3, 4]], {}),
    ("addmm", torch.addmm, [[2, 4], [2, 3], [3, 4]], {}),
    ("baddbmm", torch.baddbmm, [[2, 2, 4], [2, 2, 3], [2, 3, 4]], {}),
    ("addbmm", torch.addbmm, [[2, 4], [2, 2, 3], [2, 3, 4]], {}),
    ("conv1d", F.conv1d, [[1, 2, 5], [3, 2, 3]], {}),
    ("conv2d", F.conv2d, [IMAGE, KERNEL], {}),
    ("conv3d", F.conv3d, [[1, 2, 4, 4, 4], [3, 2, 3, 3, 3]], {}),
    ("conv_transpose2d", F.conv_transpose2d, [IMAGE, [2, 3, 3, 3]], {}),
    ("scaled_dot_product_attention", F.scaled_dot_product_attention,
     [[1, 2, 3, 8], [1, 2, 3, 8], [1, 2, 3, 8]], {}),
    ("prod", torch.prod, [[3, 4]], {}),
    ("mse_loss", F.mse_loss, [[3, 4], [3, 4]], {}),
    ("l1_loss", F.l1_loss, [[3, 4], [3, 4]], {}),
    ("smooth_l1_loss", F.smooth_l1_loss, [[3, 4], [3, 4]], {}),
    ("huber_loss", F.huber_loss, [[3, 4], [3, 4]], {}),
    ("kl_div", F.kl_div, [[3, 4], [3, 4]], {"reduction": "sum"}),
    ("nll_loss", F.nll_loss, [[3, 4], 4], {}),
    ("cross_entropy", F.cross_entropy, [[3, 4], 4], {}),
    ("binary_cross_entropy", F.binary_cross_entropy, [[3, 4], [3, 4]], {}),
    ("cosine_embedding_loss", F.cosine_embedding_loss, [[3, 4], [3, 4], [3]], {}),
    ("margin_ranking_loss", F.margin_ranking_loss, [[3], [3], [3]], {}),
    ("hinge_embedding_loss", F.hinge_embedding_loss, [[3], [3]], {}),
    ("triplet_margin_loss", F.triplet_margin_loss, [[3, 4], [3, 4], [3, 4]], {}),
    ("cat", lambda *t, **k: torch.cat(t, **k), [[2, 3], [2, 3]], {}),
    ("stack", lambda *t, **k: torch.stack(t, **k), [[2, 3], [2, 3]], {}),
    ("softmax", torch.softmax, [[3, 4]], {"dim": 1}),
    ("log_softmax", torch.log_softmax, [[3, 4]], {"dim": 1}),
    ("layer_norm", F.layer_norm, [[3, 4]], {"normalized_shape": [4]}),
    ("group_norm", F.group_norm, [[2, 4, 3]], {"num_groups": 2}),
    ("exp", torch.exp, [[3]], {}),
    ("log", torch.log, [[3]], {}),
    ("rsqrt", torch.rsqrt, [[3]], {}),
    ("pow", torch.pow, [[3], [3]], {}),
    ("softplus", F.softplus, [[3]], {}),
    ("sum", torch.sum, [[3, 4]], {}),
    ("cumsum", torch.cumsum, [[3, 4]], {"dim": 0}),
    ("logsumexp", torch.logsumexp, [[3, 4]], {"dim": [1]}),
    ("mean", torch.mean, [[3, 4]], {}),
    ("addcmul", torch.addcmul, [[3], [3], [3]], {}),
    ("addcdiv", torch.addcdiv, [[3], [3], [3]], {}),
    ("atan2", torch.atan2, [[3], [3]], {}),
    ("add", torch.add, [[3], [3]], {}),
    ("mul", torch.mul, [[3], [3]], {}),
    ("relu", torch.relu, [[3]], {}),
    ("gelu", F.gelu, [[3]], {}),
    ("tanh", torch.tanh, [[3]], {}),
    ("max_pool2d", F.max_pool2d, [IMAGE], {"kernel_size": 2}),
    ("avg_pool2d", F.avg_pool2d, [IMAGE], {"kernel_size": 2}),
]


def short(dtype):
    return str(dtype).removeprefix("torch.")


cases = []
for name, function, shapes, named in OPS:
    outputs = []
    for kind in range(3):
        tensors = []
        for i, shape in enumerate(shapes):
            if isinstance(shape, int):
                tensors.append(torch.arange(3) % shape)
                continue
            low = kind == 1 or (kind == 2 and i == 0)
            value = torch.full(shape, 0.5)
            tensors.append(value.to(torch.bfloat16) if low else value)
        try:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                outputs.append(short(function(*tensors, **named).dtype))
        except RuntimeError:
            outputs.append(None)
    cases.append({"op": name, "shapes": shapes, "named": named, "outputs": outputs})


def scales(infinities, **options):
    """The scale after each update, where a step finds an infinity or not."""
    scaler = torch.amp.GradScaler("cpu", **options)
    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1.0)
    path, values = [], []
    for bad in infinities:
        optimizer.zero_grad()
        scaler.scale((p * (float("inf") if bad else 0.25)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        path.append(scaler.get_scale())
        values.append(p[0].item())
    return {"infinities": infinities, "options": options, "scales": path, "values": values,
            "tracker": scaler.state_dict()["_growth_tracker"]}


good, bad = False, True
scalers = [
    scales([good] * 4 + [bad] + [good] * 3),
    scales([good, good, bad, good, good, good, good, bad, bad, good, good, good],
           init_scale=1024.0, growth_interval=2),
    scales([bad] * 3 + [good] * 6, init_scale=8.0, growth_factor=3.0, backoff_factor=0.25,
           growth_interval=3),
    scales([good] * 5, init_scale=2.0**126, growth_interval=1),
]

data = {"torch": torch.__version__.split("+")[0], "cases": cases, "scalers": scalers}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(data) + "\n")
