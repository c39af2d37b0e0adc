# Which of PyTorch's OpInfo entries become vectors, under which name, and how their samples are
# written as a call by PyTorch's schema.
import torch

F = "nn.functional."

# OpInfo entry (with .variant) -> op of ours. A name that maps to itself is only listed.
SAME = """
zeros ones full arange linspace eye zeros_like ones_like full_like
neg abs sign exp exp2 expm1 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos tan tanh asin
acos atan sinh cosh asinh acosh atanh erf erfc floor ceil round trunc frac isnan isinf isfinite
logical_not sigmoid
add sub mul floor_divide remainder fmod pow atan2 maximum minimum fmax fmin clamp where lerp addcmul
addcdiv masked_fill eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or
bitwise_xor bitwise_not fill copysign hypot xlogy logaddexp clone
sum mean prod var std var_mean std_mean amax amin argmax argmin any all logsumexp cumsum cumprod
count_nonzero median nansum
view reshape permute transpose expand squeeze unsqueeze flatten unflatten cat stack split chunk
narrow select repeat repeat_interleave roll flip tril triu diagonal diag_embed unfold contiguous
unbind movedim as_strided tile t split_with_sizes meshgrid.list_of_tensors
gather scatter scatter_add index_select index_add index_put index_fill index_copy masked_select
masked_scatter take_along_dim nonzero topk sort argsort unique bincount searchsorted bucketize
__getitem__
mm bmm mv matmul addmm addmv addr baddbmm einsum dot inner outer trace cross
softmax log_softmax
sgn signbit isposinf isneginf logit sinc nan_to_num heaviside logaddexp2 deg2rad rad2deg float_power
isclose isin cummax cummin logcumsumexp kthvalue aminmax dist cdist trapezoid quantile
tensor_split hstack vstack dstack rot90 kron block_diag diag diff broadcast_tensors broadcast_to
atleast_1d atleast_2d atleast_3d tensordot column_stack hsplit vsplit dsplit expand_as view_as reshape_as diagflat msort clamp_max
logdet tril_indices triu_indices take select_scatter slice_scatter diagonal_scatter fliplr flipud
"""
RENAMED = {
    "div.no_rounding_mode": "div", "div.floor_rounding": "div", "div.trunc_rounding": "div",
    "squeeze.multiple": "squeeze", "split.list_args": "split",
    "round.decimals_0": "round", "round.decimals_3": "round", "round.decimals_neg_3": "round",
    "norm": "norm", "norm.fro": "norm", "norm.inf": "norm",
    "linalg.vector_norm": "vector_norm", "linalg.cross": "cross",
    "std.unbiased": "std", "var.unbiased": "var", "var_mean.unbiased": "var_mean",
    "std_mean.unbiased": "std_mean",
    "max.binary": "max", "max.reduction_no_dim": "max", "max.reduction_with_dim": "max",
    "min.binary": "min", "min.reduction_no_dim": "min", "min.reduction_with_dim": "min",
    "scatter_reduce.amax": "scatter_reduce", "scatter_reduce.amin": "scatter_reduce",
    "scatter_reduce.mean": "scatter_reduce", "scatter_reduce.prod": "scatter_reduce",
    "scatter_reduce.sum": "scatter_reduce",
    "softmax.with_dtype": "softmax", "log_softmax.with_dtype": "log_softmax",
    "linalg.cholesky": "cholesky", "linalg.qr": "qr", "linalg.svd": "svd",
    "linalg.solve": "solve", "linalg.inv": "inv", "linalg.det": "det",
    "linalg.solve_triangular": "solve_triangular", "linalg.eigvalsh": "eigvalsh", "linalg.svdvals": "svdvals", "linalg.slogdet": "slogdet",
    "linalg.matrix_power": "matrix_power", "linalg.vecdot": "vecdot",
    # By PyTorch's second names.
    "clamp_min": "clamp_min", "ravel": "ravel", "trapz": "trapz", "true_divide": "true_divide",
    "swapaxes": "swapaxes", "unsafe_chunk": "unsafe_chunk", "unsafe_split": "unsafe_split",
    "meshgrid.list_of_tensors": "meshgrid", "__getitem__": "index",
    "nn.functional.unfold": "im2col", "nn.functional.pad.constant": "pad",
    "nn.functional.pad.reflect": "pad", "nn.functional.pad.replicate": "pad",
    "nn.functional.pad.replicate_negative": "pad", "nn.functional.pad.circular": "pad",
}
FUNCTIONAL = """
relu relu6 leaky_relu elu selu celu gelu silu mish hardtanh hardswish hardsigmoid softplus softsign
softmin logsigmoid prelu threshold tanhshrink hardshrink softshrink glu one_hot linear bilinear
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d
max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d batch_norm layer_norm
group_norm instance_norm rms_norm local_response_norm embedding embedding_bag interpolate.area
interpolate.bicubic interpolate.bilinear interpolate.linear interpolate.nearest
interpolate.nearest-exact interpolate.trilinear grid_sample scaled_dot_product_attention
cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
binary_cross_entropy_with_logits kl_div cosine_similarity cosine_embedding_loss ctc_loss
triplet_margin_loss margin_ranking_loss hinge_embedding_loss pairwise_distance normalize
pixel_shuffle pixel_unshuffle
"""


def names():
    table = {name: name for name in SAME.split()}
    for name in FUNCTIONAL.split():
        table[F + name] = name.split(".")[0]
    table.update(RENAMED)
    return table


# Ops whose result depends on which of several equal elements comes first.
TIES = set("sort argsort topk kthvalue median argmax argmin max.reduction_with_dim min.reduction_with_dim"
           .split()) | {F + name for name in """max_pool1d max_pool2d max_pool3d adaptive_max_pool1d
           adaptive_max_pool2d adaptive_max_pool3d""".split()}


def swap(sample):
    """The first two arguments change places."""
    return [sample.args[0], sample.input, *sample.args[1:]], sample.kwargs


def sizes_as_list(sample):
    args = sample.args
    if len(args) != 1 or not isinstance(args[0], (tuple, list)):
        args = [list(args)] if args else []
    return [sample.input, *args], sample.kwargs


def getitem(sample):
    index = sample.args[0]
    return [sample.input, index if isinstance(index, tuple) else (index,)], sample.kwargs


def as_list(sample):
    """Tensors given one by one are a list."""
    return [[sample.input, *sample.args]], sample.kwargs


def contraction(sample):
    """Lists of dimensions are two arguments, of which both have a name."""
    dims = sample.kwargs.get("dims", 2)
    if isinstance(dims, int):
        return [sample.input, *sample.args], sample.kwargs
    return [sample.input, *sample.args, list(dims[0]), list(dims[1])], {}


# How the samples of some entries become positional and named arguments.
FORMS = {"where": swap, "einsum": swap, F + "embedding": swap, F + "embedding_bag": swap,
         "expand": sizes_as_list, "view": sizes_as_list, "reshape": sizes_as_list,
         "permute": sizes_as_list, "repeat": sizes_as_list, "tile": sizes_as_list,
         "__getitem__": getitem, "tensordot": contraction, "block_diag": as_list, "broadcast_tensors": as_list}


def call_form(entry, sample):
    if entry in FORMS:
        return FORMS[entry](sample)
    return [sample.input, *sample.args], dict(sample.kwargs)
