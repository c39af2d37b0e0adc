// Convolutions by the rank of their weight. One dimension is two of which one has size 1. Three are
// a sum over the depth of the window: for each of its slices one conv2d of all slices of the input
// that it meets.
#include "autograd/ops/conv.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"

namespace iolaus {
namespace {

// n numbers, from n or from one.
Dims full_list(const char* what, const Dims& list, int64_t n) {
  IOLAUS_CHECK(list.rank() == n || list.size() == 1,
               "[conv] expected 1 or {} numbers as {}, got {}", n, what, list.str());
  return list.rank() == n ? list : Dims::filled(static_cast<size_t>(n), list[0]);
}
ConvOptions complete(const ConvOptions& o, int64_t n) {
  return {full_list("stride", o.stride, n), full_list("padding", o.padding, n),
          full_list("dilation", o.dilation, n), o.groups,
          full_list("output_padding", o.output_padding, n)};
}
// Options of the last two of n dimensions; of one dimension, beside one of size 1.
Pair pair_of(const Dims& list, int64_t alone) {
  if (list.size() == 1) return {alone, list[0]};
  return {list[list.size() - 2], list[list.size() - 1]};
}
Conv2dOptions plane(const ConvOptions& o) {
  return {pair_of(o.stride, 1), pair_of(o.padding, 0), pair_of(o.dilation, 1), o.groups};
}
ConvTranspose2dOptions transposed_plane(const ConvOptions& o) {
  return {pair_of(o.stride, 1), pair_of(o.padding, 0), pair_of(o.output_padding, 0), o.groups,
          pair_of(o.dilation, 1)};
}

// (N, C, D, H, W) as (N D, C, H, W), and back.
Tensor join_depth(const Tensor& x) {
  const Dims s = x.sizes();
  return reshape(transpose(x, 1, 2), {s[0] * s[2], s[1], s[3], s[4]});
}
Tensor split_depth(const Tensor& x, int64_t batch, int64_t depth) {
  const Dims s = x.sizes();
  return transpose(reshape(x, {batch, depth, s[1], s[2], s[3]}), 1, 2);
}

// Of the depth, which the two functions below walk; conv2d checks the rest.
void check_depth(const char* op, const Tensor& x, const Tensor& weight, const ConvOptions& o) {
  constexpr int64_t kLimit = int64_t{1} << 31;  // so that no product overflows
  const auto in = [&](int64_t value, int64_t least) { return value >= least && value < kLimit; };
  IOLAUS_CHECK(in(o.stride[0], 1) && in(o.dilation[0], 1) && in(o.padding[0], 0) &&
                   in(o.output_padding[0], 0),
               "[{}] expected stride and dilation above 0, padding and output_padding of at least "
               "0, all below 2^31; got {}, {}, {} and {}",
               op, o.stride.str(), o.dilation.str(), o.padding.str(), o.output_padding.str());
  IOLAUS_CHECK(x.sizes()[2] > 0 && weight.sizes()[2] > 0,
               "[{}] expected images and windows with elements, got {} and {}", op, x.describe(),
               weight.describe());
}

Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& o) {
  if (is_short_float(x)) {  // the sum over the depth would be rounded at each step
    return to(conv3d(widened(x), widened(weight), widened(bias), o), x.dtype());
  }
  check_depth("conv3d", x, weight, o);
  const int64_t depth = weight.sizes()[2], reach = o.dilation[0] * (depth - 1) + 1;
  const Tensor padded =
      o.padding[0] == 0 ? x : pad(x, {0, 0, 0, 0, o.padding[0], o.padding[0]}, "constant", 0);
  const int64_t count = (padded.sizes()[2] - reach) / o.stride[0] + 1;
  IOLAUS_CHECK(padded.sizes()[2] >= reach, "[conv3d] a window of depth {} does not fit {}", reach,
               padded.sizes().str());
  Tensor out;
  for (int64_t i = 0; i < depth; ++i) {
    const int64_t start = i * o.dilation[0];
    const Tensor part = slice(padded, 2, start, start + (count - 1) * o.stride[0] + 1, o.stride[0]);
    const Tensor y =
        conv2d(join_depth(part), select(weight, 2, i), i == 0 ? bias : Tensor(), plane(o));
    out = out.defined() ? add(out, y) : y;
  }
  return contiguous(split_depth(out, x.sizes()[0], count));
}

Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvOptions& o) {
  if (is_short_float(x)) {  // the sum over the depth would be rounded at each step
    return to(conv_transpose3d(widened(x), widened(weight), widened(bias), o), x.dtype());
  }
  check_depth("conv_transpose3d", x, weight, o);
  const int64_t depth = weight.sizes()[2], batch = x.sizes()[0], count = x.sizes()[2];
  const int64_t all = (count - 1) * o.stride[0] + o.dilation[0] * (depth - 1) + 1;
  Tensor out;
  for (int64_t i = 0; i < depth; ++i) {
    const Tensor y =
        split_depth(conv_transpose2d(join_depth(x), select(weight, 2, i), {}, transposed_plane(o)),
                    batch, count);
    if (!out.defined()) {
      Dims sizes = y.sizes();
      sizes[2] = all;
      out = zeros(sizes, y.options());
    }
    const int64_t start = i * o.dilation[0];
    add_(slice(out, 2, start, start + (count - 1) * o.stride[0] + 1, o.stride[0]), y);
  }
  const int64_t last = o.output_padding[0] - o.padding[0];
  out = pad(out, {0, 0, 0, 0, -o.padding[0], last}, "constant", 0);
  if (bias.defined()) out = add(out, reshape(bias, {1, -1, 1, 1, 1}));
  return out;
}

void check_ranks(const char* op, const Tensor& x, const Tensor& weight) {
  IOLAUS_CHECK(weight.dim() >= 3 && weight.dim() <= 5 &&
                   (x.dim() == weight.dim() || x.dim() == weight.dim() - 1),
               "[{}] expected a weight of 3 to 5 dimensions and an input of as many, or one less, "
               "got {} and {}",
               op, weight.describe(), x.describe());
}

// Integers are convolved in float64, where sums up to 2^53 are exact.
bool all_integers(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return is_integral(x.dtype()) && weight.dtype() == x.dtype() &&
         (!bias.defined() || bias.dtype() == x.dtype());
}
Tensor in_float64(const Tensor& x) { return x.defined() ? to(x, kFloat64) : x; }

// fn on a batch of images whose weight has n dimensions.
template <class Fn> Tensor by_rank(const Tensor& x, const Tensor& weight, Fn&& fn) {
  const bool batch = x.dim() == weight.dim();
  Tensor in = batch ? x : unsqueeze(x, 0), w = weight;
  if (weight.dim() == 3) in = unsqueeze(in, 2), w = unsqueeze(w, 2);
  Tensor y = fn(in, w);
  if (weight.dim() == 3) y = squeeze(y, 2);
  return batch ? y : squeeze(y, 0);
}

template <int64_t n> void check_dims(const char* op, const Tensor& weight) {
  IOLAUS_CHECK(weight.dim() == n + 2, "[{}] expected a weight of {} dimensions, got {}", op, n + 2,
               weight.describe());
}
template <int64_t n>
Tensor boxed_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, const Dims& stride,
                  const Dims& padding, const Dims& dilation, int64_t groups) {
  check_dims<n>("conv", weight);
  return convolution(x, weight, bias, {stride, padding, dilation, groups});
}
template <int64_t n>
Tensor boxed_named_conv(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Dims& stride, const std::string& padding, const Dims& dilation,
                        int64_t groups) {
  check_dims<n>("conv", weight);
  return convolution(x, weight, bias, {stride, {0}, dilation, groups}, padding);
}
template <int64_t n>
Tensor boxed_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Dims& stride, const Dims& padding, const Dims& output_padding,
                       int64_t groups, const Dims& dilation) {
  check_dims<n>("conv_transpose", weight);
  return conv_transpose(x, weight, bias, {stride, padding, dilation, groups, output_padding});
}
const bool kBoxed =
    boxed(
        "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, "
        "int[1] padding=0, int[1] dilation=1, int groups=1) -> Tensor",
        boxed_conv<1>) &&
    boxed(
        "conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, "
        "str padding='valid', int[1] dilation=1, int groups=1) -> Tensor",
        boxed_named_conv<1>) &&
    boxed(
        "conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, "
        "int[1] padding=0, int[1] output_padding=0, int groups=1, int[1] dilation=1) -> Tensor",
        boxed_transpose<1>) &&
    boxed(
        "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
        "int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
        boxed_conv<2>) &&
    boxed(
        "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
        "str padding='valid', int[2] dilation=1, int groups=1) -> Tensor",
        boxed_named_conv<2>) &&
    boxed(
        "conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, "
        "int[2] padding=0, int[2] output_padding=0, int groups=1, int[2] dilation=1) -> Tensor",
        boxed_transpose<2>) &&
    boxed(
        "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
        "int[3] padding=0, int[3] dilation=1, int groups=1) -> Tensor",
        boxed_conv<3>) &&
    boxed(
        "conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
        "str padding='valid', int[3] dilation=1, int groups=1) -> Tensor",
        boxed_named_conv<3>) &&
    boxed(
        "conv_transpose3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, "
        "int[3] padding=0, int[3] output_padding=0, int groups=1, int[3] dilation=1) -> Tensor",
        boxed_transpose<3>);

OpSample sample(const char* what, const Dims& x, const Dims& weight, bool transposed,
                const ConvOptions& options) {
  const int64_t out = transposed ? weight[1] * options.groups : weight[0];
  return {what, {sample64(x, 1), sample64(weight, 2), sample64({out}, 3)}, [=](const Tensors& t) {
            return transposed ? conv_transpose(t[0], t[1], t[2], options)
                              : convolution(t[0], t[1], t[2], options);
          }};
}
const bool kSamples =
    register_op({"conv1d",
                 [] {
                   return std::vector<OpSample>{
                       sample("batch", {2, 2, 6}, {3, 2, 3}, false, {{2}, {1}}),
                       sample("one", {2, 5}, {2, 1, 2}, false, {{1}, {0}, {2}, 2})};
                 }}) &&
    register_op({"conv3d",
                 [] {
                   return std::vector<OpSample>{sample("batch", {1, 2, 4, 3, 3}, {2, 2, 2, 2, 2},
                                                       false, {{2, 1, 1}, {1, 0, 1}})};
                 }}) &&
    register_op({"conv_transpose1d",
                 [] {
                   return std::vector<OpSample>{
                       sample("batch", {2, 2, 4}, {2, 3, 3}, true, {{2}, {1}, {1}, 1, {1}})};
                 }}) &&
    register_op({"conv_transpose2d",
                 [] {
                   return std::vector<OpSample>{sample("groups", {1, 4, 3, 2}, {4, 1, 2, 3}, true,
                                                       {{2, 1}, {0, 1}, {1, 2}, 2, {1, 0}})};
                 }}) &&
    register_op({"conv_transpose3d", [] {
                   return std::vector<OpSample>{sample("batch", {1, 2, 2, 2, 2}, {2, 1, 2, 2, 2},
                                                       true,
                                                       {{2, 1, 1}, {1, 0, 1}, {1}, 1, {1, 0, 0}})};
                 }});

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvOptions& options) {
  constexpr Tensor (*kSelf)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&) =
      convolution;
  if (autocast::on()) return autocast::call("conv", kSelf, x, weight, bias, options);
  check_ranks("conv", x, weight);
  if (all_integers(x, weight, bias)) {
    return to(convolution(to(x, kFloat64), to(weight, kFloat64), in_float64(bias), options),
              x.dtype());
  }
  const ConvOptions o = complete(options, weight.dim() - 2);
  return by_rank(x, weight, [&](const Tensor& in, const Tensor& w) {
    return w.dim() == 5 ? conv3d(in, w, bias, o) : conv2d(in, w, bias, plane(o));
  });
}

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const ConvOptions& options, const std::string& padding) {
  constexpr Tensor (*kSelf)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&,
                            const std::string&) = convolution;
  if (autocast::on()) return autocast::call("conv", kSelf, x, weight, bias, options, padding);
  check_ranks("conv", x, weight);
  ConvOptions o = complete(options, weight.dim() - 2);
  o.padding = Dims::filled(o.stride.size(), 0);
  if (padding == "valid") return convolution(x, weight, bias, o);
  IOLAUS_CHECK(padding == "same", "[conv] expected padding 'valid' or 'same', got '{}'", padding);
  Dims around;  // from the last dimension on; an odd element goes to the end
  for (size_t i = o.stride.size(); i-- > 0;) {
    IOLAUS_CHECK(o.stride[i] == 1, "[conv] padding 'same' needs a stride of 1, got {}",
                 o.stride.str());
    const int64_t total = o.dilation[i] * (weight.sizes()[i + 2] - 1);
    around.push_back(total / 2);
    around.push_back(total - total / 2);
  }
  return convolution(pad(x, around, "constant", 0), weight, bias, o);
}

Tensor conv_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvOptions& options) {
  if (autocast::on())
    return autocast::call("conv_transpose", conv_transpose, x, weight, bias, options);
  check_ranks("conv_transpose", x, weight);
  if (all_integers(x, weight, bias)) {
    return to(conv_transpose(to(x, kFloat64), to(weight, kFloat64), in_float64(bias), options),
              x.dtype());
  }
  const ConvOptions o = complete(options, weight.dim() - 2);
  return by_rank(x, weight, [&](const Tensor& in, const Tensor& w) {
    return w.dim() == 5 ? conv_transpose3d(in, w, bias, o)
                        : conv_transpose2d(in, w, bias, transposed_plane(o));
  });
}

}  // namespace iolaus
