"""The cases of layers.py: each module and loss with several sets of options."""

import torch
from torch import nn

CASES = []


def rnd(*shape, low=None):
    def make():
        return torch.randn(*shape) if low is None else torch.rand(*shape) + low
    return make


def ints(values):
    return torch.tensor(values)


def case(target, inputs=None, call="plain", train=True, **args):
    """inputs: one tensor, or a dict of names."""
    name = target if "." in target else "torch.nn." + target
    if not isinstance(inputs, dict):
        inputs = {} if inputs is None else {"x": inputs}
    CASES.append({"config": {"_target_": name} | args, "inputs": inputs, "call": call,
                  "train": train})


def layer(target, **args):
    return {"_target_": target if "." in target else "torch.nn." + target} | args


# What has no counterpart in torch.nn.
class Residual(nn.Module):
    def __init__(self, layers, shortcut=None):
        super().__init__()
        self.names = list(layers)
        for name, m in layers.items():
            self.add_module(name, m)
        self.shortcut = shortcut

    def forward(self, x):
        y = x
        for name in self.names:
            y = getattr(self, name)(y)
        return y + (self.shortcut(x) if self.shortcut else x)


class PositionEmbedding(nn.Module):
    def __init__(self, length, embedding_dim):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, embedding_dim))

    def forward(self, x):
        return x + self.weight[: x.shape[-2]]


class Mean(nn.Module):
    def __init__(self, dim, keepdim=False):
        super().__init__()
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x):
        return x.mean(self.dim, self.keepdim)


class LoraLinear(nn.Module):
    def __init__(self, in_features, out_features, rank=8, alpha=8.0, dropout=0.0, bias=True):
        super().__init__()
        self.base_layer = nn.Linear(in_features, out_features, bias).requires_grad_(False)
        self.lora_A = nn.Linear(in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, out_features, bias=False)
        self.scale = alpha / rank

    def forward(self, x):
        return self.base_layer(x) + self.lora_B(self.lora_A(x)) * self.scale


CUSTOM = {"iolaus.nn.Residual": Residual, "iolaus.nn.PositionEmbedding": PositionEmbedding,
          "iolaus.nn.Mean": Mean, "iolaus.nn.LoraLinear": LoraLinear}

# Products and tables.
case("Linear", rnd(3, 4), in_features=4, out_features=5)
case("Linear", rnd(2, 3, 4), in_features=4, out_features=2, bias=False)
case("Linear", rnd(4), in_features=4, out_features=3)
case("Bilinear", {"a": rnd(2, 3, 4), "b": rnd(2, 3, 5)}, "bilinear", in1_features=4,
     in2_features=5, out_features=3)
case("Bilinear", rnd(3, 4), "with_itself", in1_features=4, in2_features=4, out_features=2,
     bias=False)
case("iolaus.nn.LoraLinear", rnd(3, 4), in_features=4, out_features=5, rank=2, alpha=3.0)
case("Embedding", ints([[1, 0, 5], [2, 2, 5]]), num_embeddings=6, embedding_dim=3)
case("Embedding", ints([1, 0, 4, 1]), num_embeddings=6, embedding_dim=3, padding_idx=1)
case("Embedding", ints([1, 0, 4, 5]), num_embeddings=6, embedding_dim=3, padding_idx=-2)
for mode in ("mean", "sum", "max"):
    case("EmbeddingBag", ints([[1, 0, 5], [2, 2, 5]]), num_embeddings=6, embedding_dim=3,
         mode=mode)
case("EmbeddingBag", {"x": ints([1, 0, 5, 2, 2]), "offsets": ints([0, 2, 2])}, "bag",
     num_embeddings=6, embedding_dim=3, padding_idx=2)
case("EmbeddingBag", {"x": ints([1, 0, 5, 2, 2]), "offsets": ints([0, 2, 5])}, "bag",
     num_embeddings=6, embedding_dim=3, include_last_offset=True, mode="sum")
case("EmbeddingBag", {"x": ints([1, 0, 5, 2, 2]), "offsets": ints([0, 2, 4]), "weights": rnd(5)},
     "bag_weights", num_embeddings=6, embedding_dim=3, mode="sum")
case("iolaus.nn.PositionEmbedding", rnd(2, 4, 3), length=6, embedding_dim=3)

# Convolutions.
SIZES = {1: [9], 2: [8, 7], 3: [5, 4, 4]}
for n in (1, 2, 3):
    x = rnd(2, 4, *SIZES[n])
    case(f"Conv{n}d", x, in_channels=4, out_channels=6, kernel_size=3)
    case(f"Conv{n}d", x, in_channels=4, out_channels=4, kernel_size=2, stride=2, padding=1,
         dilation=2, groups=2, bias=False)
    case(f"Conv{n}d", rnd(4, *SIZES[n]), in_channels=4, out_channels=2, kernel_size=3, padding=1)
    case(f"Conv{n}d", x, in_channels=4, out_channels=2, kernel_size=4, padding="same")
    case(f"Conv{n}d", x, in_channels=4, out_channels=2, kernel_size=3, padding="same")
    case(f"Conv{n}d", x, in_channels=4, out_channels=2, kernel_size=2, padding="valid")
    modes = ["replicate", "circular"] + (["reflect"] if n < 3 else [])
    for mode in modes:
        case(f"Conv{n}d", x, in_channels=4, out_channels=2, kernel_size=3, padding=1,
             padding_mode=mode)
    case(f"Conv{n}d", x, in_channels=4, out_channels=2, kernel_size=2, padding="same",
         padding_mode="replicate")
    x = rnd(2, 4, *[s - 2 for s in SIZES[n]])
    case(f"ConvTranspose{n}d", x, in_channels=4, out_channels=3, kernel_size=3)
    case(f"ConvTranspose{n}d", x, in_channels=4, out_channels=4, kernel_size=2, stride=2,
         padding=1, output_padding=1, groups=2, bias=False)
    case(f"ConvTranspose{n}d", rnd(4, *[s - 2 for s in SIZES[n]]), in_channels=4, out_channels=2,
         kernel_size=2, dilation=2)
case("Conv2d", rnd(2, 4, 8, 7), in_channels=4, out_channels=3, kernel_size=[3, 2], stride=[2, 1],
     padding=[1, 0], dilation=[1, 2])
case("ConvTranspose2d", rnd(1, 2, 4, 3), "output_size", in_channels=2, out_channels=3,
     kernel_size=3, stride=[2, 2])

# Pooling.
for n in (1, 2, 3):
    x = rnd(2, 3, *SIZES[n])
    case(f"MaxPool{n}d", x, kernel_size=2)
    case(f"MaxPool{n}d", x, kernel_size=3, stride=2, padding=1, ceil_mode=True)
    case(f"MaxPool{n}d", rnd(3, *SIZES[n]), kernel_size=2, stride=1, dilation=2)
    case(f"AvgPool{n}d", x, kernel_size=2)
    case(f"AvgPool{n}d", x, kernel_size=3, stride=2, padding=1, ceil_mode=True)
    case(f"AvgPool{n}d", x, kernel_size=3, stride=2, padding=1, count_include_pad=False)
    case(f"AvgPool{n}d", rnd(3, *SIZES[n]), kernel_size=2, stride=1)
    case(f"AdaptiveAvgPool{n}d", x, output_size=3)
    case(f"AdaptiveAvgPool{n}d", rnd(3, *SIZES[n]), output_size=1)
    case(f"AdaptiveMaxPool{n}d", x, output_size=2)
    case(f"AdaptiveMaxPool{n}d", rnd(3, *SIZES[n]), output_size=3)
    case(f"LPPool{n}d", rnd(2, 3, *SIZES[n], low=0.1), norm_type=2.0, kernel_size=2)
    case(f"LPPool{n}d", rnd(2, 3, *SIZES[n], low=0.1), norm_type=3.0, kernel_size=3, stride=2,
         ceil_mode=n < 3)
case("AvgPool2d", rnd(2, 3, 8, 7), kernel_size=[3, 2], divisor_override=5)
case("AvgPool3d", rnd(2, 3, 5, 4, 4), kernel_size=2, divisor_override=3)
case("MaxPool2d", rnd(2, 3, 8, 7), kernel_size=[3, 2], stride=[2, 1], padding=[1, 0])
case("AdaptiveAvgPool2d", rnd(2, 3, 8, 7), output_size=[3, 5])

# Normalisation.
SHAPES = {"BatchNorm1d": [(5, 3), (4, 3, 6)], "BatchNorm2d": [(3, 3, 4, 5)],
          "BatchNorm3d": [(2, 3, 3, 2, 4)]}
for name, shapes in SHAPES.items():
    for shape in shapes:
        case(name, rnd(*shape), num_features=3)
    case(name, rnd(*shapes[-1]), train=False, num_features=3, eps=1e-3)
    case(name, rnd(*shapes[-1]), num_features=3, momentum=None)
    case(name, rnd(*shapes[-1]), num_features=3, affine=False, momentum=0.3)
    case(name, rnd(*shapes[-1]), train=False, num_features=3, track_running_stats=False)
case("SyncBatchNorm", rnd(3, 3, 4, 5), train=False, num_features=3)
for n in (1, 2, 3):
    x = rnd(2, 3, *SIZES[n])
    case(f"InstanceNorm{n}d", x, num_features=3)
    case(f"InstanceNorm{n}d", x, num_features=3, affine=True, eps=1e-3)
    case(f"InstanceNorm{n}d", x, num_features=3, affine=True, track_running_stats=True)
    case(f"InstanceNorm{n}d", x, train=False, num_features=3, track_running_stats=True)
    case(f"InstanceNorm{n}d", rnd(3, *SIZES[n]), num_features=3, affine=True)
case("LayerNorm", rnd(3, 5), normalized_shape=5)
case("LayerNorm", rnd(2, 3, 4), normalized_shape=[3, 4], eps=1e-3, bias=False)
case("LayerNorm", rnd(2, 3, 4), normalized_shape=[4], elementwise_affine=False)
case("RMSNorm", rnd(3, 5), normalized_shape=5)
case("RMSNorm", rnd(2, 3, 4), normalized_shape=[3, 4], eps=1e-3)
case("RMSNorm", rnd(2, 3, 4), normalized_shape=[4], elementwise_affine=False)
case("GroupNorm", rnd(2, 6, 4), num_groups=3, num_channels=6)
case("GroupNorm", rnd(2, 6, 4, 3), num_groups=1, num_channels=6, eps=1e-3)
case("GroupNorm", rnd(2, 6), num_groups=2, num_channels=6, affine=False)
case("LocalResponseNorm", rnd(2, 6, 4), size=3)
case("LocalResponseNorm", rnd(2, 6, 3, 2), size=2, alpha=0.3, beta=0.5, k=2.0)

# Activations.
x = rnd(4, 6)
for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish", "Tanh",
             "Sigmoid", "LogSigmoid", "Softsign", "Tanhshrink", "LeakyReLU", "ELU", "CELU",
             "Hardshrink", "Softshrink", "GELU", "Softplus", "Hardtanh", "GLU", "PReLU"):
    wide = (lambda: torch.randn(4, 6) * 4) if name in ("ReLU6", "Hardsigmoid", "Hardswish") else x
    case(name, wide)
case("LeakyReLU", x, negative_slope=0.3)
case("ELU", x, alpha=0.5)
case("CELU", x, alpha=2.0)
case("Hardshrink", x, lambd=0.2)
case("Softshrink", x, lambd=0.2)
case("GELU", x, approximate="tanh")
case("Softplus", x, beta=2.0, threshold=1.0)
case("Hardtanh", x, min_val=-0.5, max_val=0.25)
case("Threshold", x, threshold=0.1, value=20.0)
case("GLU", rnd(2, 4, 3), dim=1)
case("PReLU", rnd(2, 3, 4), num_parameters=3, init=0.1)
case("RReLU", x, train=False)
case("RReLU", x, train=False, lower=0.2, upper=0.4)
for name in ("Softmax", "LogSoftmax", "Softmin"):
    case(name, x, dim=1)
    case(name, rnd(2, 3, 4), dim=-2)
    case(name, rnd(2, 3, 4))
case("Softmax2d", rnd(2, 3, 2, 2))
case("Softmax2d", rnd(3, 2, 2))
for name, shape in (("Dropout", (3, 4)), ("Dropout1d", (2, 3, 4)), ("Dropout2d", (2, 3, 4, 2)),
                    ("Dropout3d", (2, 3, 2, 2, 2)), ("AlphaDropout", (3, 4)),
                    ("FeatureAlphaDropout", (2, 3, 4))):
    case(name, rnd(*shape), train=False)
    case(name, rnd(*shape), p=0.0)
    case(name, rnd(*shape), p=1.0)

# Shapes.
case("Identity", x)
case("Flatten", rnd(2, 3, 4))
case("Flatten", rnd(2, 3, 4, 2), start_dim=0, end_dim=2)
case("Unflatten", rnd(2, 12), dim=1, unflattened_size=[3, -1, 2])
case("iolaus.nn.Mean", rnd(2, 3, 4), dim=1)
case("iolaus.nn.Mean", rnd(2, 3, 4), dim=[0, -1], keepdim=True)
case("PixelShuffle", rnd(2, 8, 3, 2), upscale_factor=2)
case("PixelUnshuffle", rnd(2, 3, 4, 6), downscale_factor=2)
case("ChannelShuffle", rnd(2, 6, 2, 2), groups=3)
case("Unfold", rnd(2, 3, 5, 4), kernel_size=2)
case("Unfold", rnd(3, 5, 6), kernel_size=[3, 2], dilation=[1, 2], padding=1, stride=[2, 1])
case("Fold", rnd(2, 12, 12), output_size=[5, 4], kernel_size=2)
case("Fold", rnd(12, 6), output_size=[4, 6], kernel_size=2, stride=2)
case("Upsample", rnd(2, 3, 4), scale_factor=2.0)
case("Upsample", rnd(2, 3, 4, 5), size=[7, 3])
case("Upsample", rnd(2, 3, 4, 5), size=6, mode="bilinear")
case("Upsample", rnd(2, 3, 4, 5), scale_factor=[1.5, 2.0], mode="bilinear", align_corners=True)
case("Upsample", rnd(1, 2, 4, 5), scale_factor=2.0, mode="bicubic")
case("Upsample", rnd(2, 3, 4), scale_factor=1.7, mode="linear", recompute_scale_factor=True)
case("Upsample", rnd(1, 2, 3, 2, 3), size=[4, 3, 5], mode="trilinear")
case("UpsamplingNearest2d", rnd(2, 3, 4, 5), scale_factor=2.0)
case("UpsamplingNearest2d", rnd(2, 3, 4, 5), size=[7, 3])
case("UpsamplingBilinear2d", rnd(2, 3, 4, 5), scale_factor=2.0)
case("UpsamplingBilinear2d", rnd(2, 3, 4, 5), size=[7, 3])
for n in (1, 2, 3):
    x = rnd(2, 3, *SIZES[n])
    uneven = [1, 2, 0, 1, 2, 1][: 2 * n]
    for kind in ("Zero", "Reflection", "Replication", "Circular"):
        case(f"{kind}Pad{n}d", x, padding=2)
        case(f"{kind}Pad{n}d", x, padding=uneven)
    case(f"ConstantPad{n}d", x, padding=1, value=3.5)
    case(f"ConstantPad{n}d", x, padding=[-1] + uneven[1:], value=-2.0)
    case(f"ReplicationPad{n}d", rnd(3, *SIZES[n]), padding=1)

# Recurrent layers.
for name, calls in (("RNN", "rnn"), ("GRU", "rnn"), ("LSTM", "lstm")):
    states = ("h", "c") if name == "LSTM" else ("h",)

    def recurrent(shape, state, **args):
        inputs = {"x": rnd(*shape)} | {s: rnd(*state) for s in states}
        case(name, inputs, calls, input_size=3, hidden_size=4, **args)

    case(name, rnd(5, 2, 3), "output_alone", input_size=3, hidden_size=4)
    recurrent((5, 2, 3), (1, 2, 4))
    recurrent((2, 5, 3), (4, 2, 4), num_layers=2, bidirectional=True, batch_first=True)
    recurrent((5, 3), (2, 4), num_layers=2, bias=False)
    recurrent((1, 1, 3), (2, 1, 4), bidirectional=True)
    case(name, rnd(5, 2, 3), "output_alone", train=False, input_size=3, hidden_size=4,
         num_layers=2, dropout=0.5)
case("RNN", {"x": rnd(5, 2, 3), "h": rnd(1, 2, 4)}, "rnn", input_size=3, hidden_size=4,
     nonlinearity="relu")
case("LSTM", {"x": rnd(5, 2, 3), "h": rnd(4, 2, 2), "c": rnd(4, 2, 4)}, "lstm", input_size=3,
     hidden_size=4, num_layers=2, bidirectional=True, proj_size=2)
for name in ("RNNCell", "GRUCell"):
    case(name, {"x": rnd(2, 3), "h": rnd(2, 4)}, "cell", input_size=3, hidden_size=4)
    case(name, {"x": rnd(3), "h": rnd(4)}, "cell", input_size=3, hidden_size=4, bias=False)
case("RNNCell", rnd(2, 3), input_size=3, hidden_size=4, nonlinearity="relu")
case("LSTMCell", {"x": rnd(2, 3), "h": rnd(2, 4), "c": rnd(2, 4)}, "lstm", input_size=3,
     hidden_size=4)
case("LSTMCell", {"x": rnd(3), "h": rnd(4), "c": rnd(4)}, "lstm", input_size=3, hidden_size=4,
     bias=False)

# Attention and transformers.
CAUSAL = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
NOT_YET = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
PADDING = ints([[False, False, True, False], [False, False, False, True]])


def qkv(*shape):
    return {"query": rnd(*shape), "key": rnd(*shape), "value": rnd(*shape)}


case("MultiheadAttention", qkv(4, 2, 6), "attention", embed_dim=6, num_heads=2)
case("MultiheadAttention", rnd(4, 2, 6), "self_attention", embed_dim=6, num_heads=2)
case("MultiheadAttention", qkv(4, 2, 6), "attention_weights", embed_dim=6, num_heads=2)
case("MultiheadAttention", qkv(2, 4, 6) | {"attention": NOT_YET, "key_padding": PADDING},
     "attention", embed_dim=6, num_heads=3, batch_first=True, bias=False)
case("MultiheadAttention", qkv(2, 4, 6) | {"attention": NOT_YET, "key_padding": PADDING},
     "attention_weights", embed_dim=6, num_heads=3, batch_first=True)
case("MultiheadAttention", qkv(4, 6) | {"attention": rnd(4, 4)}, "attention_weights", embed_dim=6,
     num_heads=2)
case("MultiheadAttention", qkv(4, 6), "attention", embed_dim=6, num_heads=2)
case("MultiheadAttention", qkv(4, 2, 6) | {"attention": rnd(4, 4, 4)}, "attention", embed_dim=6,
     num_heads=2)
case("MultiheadAttention", qkv(4, 2, 6) | {"key_padding": PADDING}, "attention_weights",
     embed_dim=6, num_heads=2, add_bias_kv=True, add_zero_attn=True)
case("MultiheadAttention", qkv(4, 2, 6) | {"attention": NOT_YET}, "attention", embed_dim=6,
     num_heads=2, add_bias_kv=True, add_zero_attn=True)
case("MultiheadAttention", {"query": rnd(4, 2, 6), "key": rnd(3, 2, 5), "value": rnd(3, 2, 4)},
     "attention", embed_dim=6, num_heads=2, kdim=5, vdim=4)
SMALL = {"d_model": 6, "nhead": 2, "dim_feedforward": 8, "dropout": 0.0}
GPT = {"batch_first": True, "norm_first": True, "activation": "gelu", "layer_norm_eps": 1e-3}
case("TransformerEncoderLayer", {"src": rnd(4, 2, 6)}, "encoder", **SMALL)
case("TransformerEncoderLayer", {"src": rnd(2, 4, 6), "attention": CAUSAL}, "encoder", **SMALL,
     **GPT)
case("TransformerEncoderLayer", {"src": rnd(2, 4, 6), "key_padding": PADDING}, "encoder", **SMALL,
     **GPT, bias=False)
case("TransformerEncoder", {"src": rnd(4, 2, 6)}, "encoder",
     encoder_layer=layer("TransformerEncoderLayer", **SMALL), num_layers=2)
case("TransformerEncoder", {"src": rnd(2, 4, 6), "attention": CAUSAL}, "encoder",
     encoder_layer=layer("TransformerEncoderLayer", **SMALL, **GPT), num_layers=2,
     norm=layer("LayerNorm", normalized_shape=6))
case("TransformerDecoderLayer", {"tgt": rnd(4, 2, 6), "memory": rnd(3, 2, 6)}, "decoder", **SMALL)
case("TransformerDecoderLayer",
     {"tgt": rnd(2, 4, 6), "memory": rnd(2, 4, 6), "attention": CAUSAL, "key_padding": PADDING},
     "decoder", **SMALL, **GPT)
case("TransformerDecoder", {"tgt": rnd(4, 2, 6), "memory": rnd(3, 2, 6)}, "decoder",
     decoder_layer=layer("TransformerDecoderLayer", **SMALL), num_layers=2,
     norm=layer("LayerNorm", normalized_shape=6))
case("Transformer", {"src": rnd(3, 2, 6), "tgt": rnd(4, 2, 6), "attention": CAUSAL},
     "transformer", **SMALL, num_encoder_layers=2, num_decoder_layers=1)
case("Transformer", {"src": rnd(2, 3, 6), "tgt": rnd(2, 4, 6)}, "transformer", **SMALL, **GPT,
     num_encoder_layers=1, num_decoder_layers=2)

# Containers and parametrisations.
LINEAR = layer("Linear", in_features=4, out_features=4)
case("Sequential", rnd(3, 4), _args_=[LINEAR, layer("ReLU"), LINEAR])
case("Sequential", rnd(3, 4), layers={"fc": LINEAR, "act": layer("Tanh")})
case("iolaus.nn.Residual", rnd(3, 4), layers={"fc": LINEAR, "act": layer("Tanh")})
case("iolaus.nn.Residual", rnd(3, 4), layers={"fc": LINEAR, "act": layer("Tanh")},
     shortcut=layer("Linear", in_features=4, out_features=4, bias=False))
case("ModuleList", call="state", modules=[LINEAR, LINEAR])
case("ModuleDict", call="state", modules={"a": LINEAR, "b": layer("PReLU")})
PARAM = "torch.nn.utils.parametrizations."
CONV = layer("Conv2d", in_channels=2, out_channels=3, kernel_size=2)
case(PARAM + "weight_norm", rnd(3, 4), module=LINEAR)
case(PARAM + "weight_norm", rnd(3, 4), module=LINEAR, dim=1)
case(PARAM + "weight_norm", rnd(3, 4), module=LINEAR, dim=None)
case(PARAM + "weight_norm", rnd(1, 2, 4, 3), module=CONV)
case(PARAM + "weight_norm", rnd(5, 2, 3), "output_alone", name="weight_hh_l0",
     module=layer("GRU", input_size=3, hidden_size=4))
case(PARAM + "spectral_norm", rnd(3, 4), module=LINEAR)
case(PARAM + "spectral_norm", rnd(3, 4), train=False, module=LINEAR)
case(PARAM + "spectral_norm", rnd(3, 4), module=LINEAR, name="bias")
case(PARAM + "spectral_norm", rnd(1, 2, 4, 3), module=CONV, n_power_iterations=3)
case(PARAM + "spectral_norm", rnd(1, 2, 4, 3),
     module=layer("ConvTranspose2d", in_channels=2, out_channels=3, kernel_size=2))


# Losses.
def loss(name, inputs, call="loss", **args):
    for reduction in ("mean", "sum", "none"):
        case(name, inputs, call, **args, reduction=reduction)


LABELS = ints([2, 0, -100, 1])
loss("CrossEntropyLoss", {"x": rnd(4, 3), "y": LABELS})
loss("CrossEntropyLoss", {"x": rnd(4, 3), "y": LABELS}, weight=[0.5, 2.0, 1.25],
     label_smoothing=0.1)
loss("CrossEntropyLoss", {"x": rnd(2, 3, 4), "y": ints([[0, 1, 2, 2], [1, 1, 0, 2]])},
     ignore_index=1)
loss("CrossEntropyLoss", {"x": rnd(4, 3), "y": lambda: torch.softmax(torch.randn(4, 3), 1)})
loss("NLLLoss", {"x": rnd(4, 3), "y": LABELS})
loss("NLLLoss", {"x": rnd(4, 3), "y": ints([2, 0, 0, 1])}, weight=[0.5, 2.0, 1.25],
     ignore_index=0)
PAIR = {"x": rnd(3, 4), "y": rnd(3, 4)}
loss("MSELoss", PAIR)
loss("L1Loss", PAIR)
loss("SmoothL1Loss", PAIR)
loss("SmoothL1Loss", PAIR, beta=0.3)
loss("HuberLoss", PAIR)
loss("HuberLoss", PAIR, delta=0.3)
SHARES = {"x": lambda: torch.rand(3, 4) * 0.9 + 0.05, "y": lambda: torch.rand(3, 4)}
loss("BCELoss", SHARES)
loss("BCELoss", SHARES, weight=[0.5, 2.0, 1.0, 3.0])
loss("BCEWithLogitsLoss", {"x": rnd(3, 4), "y": SHARES["y"]})
loss("BCEWithLogitsLoss", {"x": rnd(3, 4), "y": SHARES["y"]}, weight=[0.5, 2.0, 1.0, 3.0],
     pos_weight=[1.0, 2.0, 0.5, 1.0])
loss("KLDivLoss", {"x": rnd(3, 4), "y": SHARES["x"]})
loss("KLDivLoss", {"x": rnd(3, 4), "y": rnd(3, 4)}, log_target=True)
case("KLDivLoss", {"x": rnd(3, 4), "y": SHARES["x"]}, "loss", reduction="batchmean")
SIGNS = ints([1, -1, 1])
loss("HingeEmbeddingLoss", {"x": rnd(3), "y": SIGNS})
loss("HingeEmbeddingLoss", {"x": rnd(3), "y": SIGNS}, margin=0.3)
loss("CosineEmbeddingLoss", {"a": rnd(3, 4), "b": rnd(3, 4), "y": SIGNS})
loss("CosineEmbeddingLoss", {"a": rnd(3, 4), "b": rnd(3, 4), "y": SIGNS}, margin=0.2)
loss("MarginRankingLoss", {"a": rnd(3), "b": rnd(3), "y": SIGNS})
loss("MarginRankingLoss", {"a": rnd(3), "b": rnd(3), "y": SIGNS}, margin=0.5)
TRIPLE = {"a": rnd(3, 4), "p": rnd(3, 4), "n": rnd(3, 4)}
loss("TripletMarginLoss", TRIPLE)
loss("TripletMarginLoss", TRIPLE, margin=2.0, p=3.0, swap=True, eps=1e-3)
loss("MultiMarginLoss", {"x": rnd(4, 3), "y": ints([2, 0, 1, 1])})
loss("MultiMarginLoss", {"x": rnd(4, 3), "y": ints([2, 0, 1, 1])}, p=2, margin=0.5,
     weight=[0.5, 2.0, 1.25])
loss("SoftMarginLoss", {"x": rnd(3), "y": SIGNS})
loss("MultiLabelSoftMarginLoss", {"x": rnd(3, 4), "y": ints([[1, 0, 0, 1]] * 3)})
loss("MultiLabelSoftMarginLoss", {"x": rnd(3, 4), "y": ints([[1, 0, 0, 1]] * 3)},
     weight=[0.5, 2.0, 1.25, 1.0])
loss("GaussianNLLLoss", {"x": rnd(3, 4), "y": rnd(3, 4), "var": rnd(3, 4, low=0.1)})
loss("GaussianNLLLoss", {"x": rnd(3, 4), "y": rnd(3, 4), "var": rnd(3, 1, low=0.1)}, full=True,
     eps=0.5)
COUNTS = ints([[0.0, 1, 2, 5]] * 3)
loss("PoissonNLLLoss", {"x": rnd(3, 4), "y": COUNTS})
loss("PoissonNLLLoss", {"x": rnd(3, 4), "y": COUNTS + 1}, full=True)
loss("PoissonNLLLoss", {"x": rnd(3, 4, low=0.1), "y": COUNTS}, log_input=False, eps=0.1)
CTC = {"x": rnd(6, 2, 4), "y": ints([[1, 2, 2], [3, 1, 0]]),
       "input_lengths": ints([6, 5]), "target_lengths": ints([3, 2])}
loss("CTCLoss", CTC, "loss_of_logits")
loss("CTCLoss", CTC | {"y": ints([[0, 2, 2], [0, 1, 2]])}, "loss_of_logits", blank=3,
     zero_infinity=True)
