// conv2d and its gradients. All three kernels are linear in each operand, so the gradients of the
// gradients are made of the same three: y = conv(x, w), dx = input_gradient(g, w),
// dw = weight_gradient(g, x).
#include "autograd/ops/conv2d.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/flop_counter.h"

namespace iolaus {
namespace {

// Of a window's numbers and of groups, so that no sum or product overflows.
constexpr int64_t kLimit = int64_t{1} << 31;

// Geometry of a convolution, as the kernels take it, and the sizes that its gradients have.
struct Geometry {
  Window2d window;
  int64_t groups;
  Dims x_sizes, weight_sizes, out_sizes;
};

using Grads = std::array<Tensor, 3>;  // of a node's operands, at most three

TensorOptions like(const Tensor& x) {
  TensorOptions options = x.options();
  const bool last = !x.is_contiguous() && x.is_contiguous(MemoryFormat::kChannelsLast);
  if (last) options.memory_format = MemoryFormat::kChannelsLast;
  return options;
}

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                const Geometry& geometry);
Tensor input_gradient(const Tensor& g, const Tensor& weight, const Geometry& geometry);

// dw and, where asked for, db; the second is undefined otherwise.
std::array<Tensor, 2> weight_gradient(const Tensor& g, const Tensor& x, const Geometry& geometry,
                                      bool with_bias) {
  Conv2dBackwardWeight args{
      g, x, empty(geometry.weight_sizes, g.options()), {}, geometry.window, geometry.groups};
  if (with_bias) args.db = empty({geometry.weight_sizes[0]}, g.options());
  run_counted(conv2d_backward_weight_kernels(), args);
  if (needs_grad(g, x)) {
    // The transpose with respect to g takes gradients of dw and db where a forward takes weights.
    const auto backward = [g = save(g), x = save(x), geometry](const Node& n,
                                                               std::span<const Tensor> grads) {
      Grads result;
      if (n.needs(0)) {
        if (grads[0].defined()) {
          result[0] = convolve(x(n), grads[0], grads.size() > 1 ? grads[1] : Tensor(), geometry);
        } else {
          const Tensor rows = grads[1];
          result[0] = expand(view(rows, {1, rows.numel(), 1, 1}), geometry.out_sizes);
        }
      }
      if (n.needs(1) && grads[0].defined()) {
        result[1] = input_gradient(g(n), grads[0], geometry);
      }
      return result;
    };
    const Tensor outs[] = {args.dw, args.db};
    record("conv2d_weight_gradient", std::span(outs, with_bias ? 2 : 1), edges(g, x), backward);
  }
  return {args.dw, args.db};
}

Tensor input_gradient(const Tensor& g, const Tensor& weight, const Geometry& geometry) {
  const Tensor dx = empty(geometry.x_sizes, like(g));
  run_counted(conv2d_backward_input_kernels(),
              Conv2dBackwardInput{g, weight, dx, geometry.window, geometry.groups});
  if (needs_grad(g, weight)) {
    record("conv2d_input_gradient", dx, edges(g, weight),
           [g = save(g), weight = save(weight), geometry](const Node& n, const Tensor& ddx) {
             return Grads{n.needs(0) ? convolve(ddx, weight(n), {}, geometry) : Tensor(),
                          n.needs(1) ? weight_gradient(g(n), ddx, geometry, false)[0] : Tensor()};
           });
  }
  return dx;
}

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                const Geometry& geometry) {
  const Tensor out = empty(geometry.out_sizes, like(x));
  run_counted(conv2d_kernels(), Conv2d{x, weight, bias, out, geometry.window, geometry.groups});
  if (needs_grad(x, weight, bias)) {
    record("conv2d", out, edges(x, weight, bias),
           [x = save(x), weight = save(weight), geometry](const Node& n, const Tensor& g) {
             Grads grads;
             if (n.needs(0)) grads[0] = input_gradient(g, weight(n), geometry);
             if (n.needs(1)) {
               const auto [dw, db] = weight_gradient(g, x(n), geometry, n.needs(2));
               grads[1] = dw, grads[2] = db;
             } else if (n.needs(2)) {
               grads[2] = sum(g, {0, 2, 3});
             }
             return grads;
           });
  }
  return out;
}

void check_operands(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups) {
  IOLAUS_CHECK(x.dim() == 4, "[conv2d] expected an input (N, C, H, W), got {}", x.describe());
  IOLAUS_CHECK(weight.dim() == 4, "[conv2d] expected a weight (out, in / groups, kh, kw), got {}",
               weight.describe());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()) && x.dtype() == weight.dtype() &&
                        (!bias.defined() || bias.dtype() == x.dtype()),
                    ErrorCode::kType,
                    "[conv2d] expected input, weight and bias of one floating dtype, got {}, {} "
                    "and {}",
                    dtype_name(x.dtype()), dtype_name(weight.dtype()),
                    bias.defined() ? dtype_name(bias.dtype()) : "none");
  IOLAUS_CHECK(x.device() == weight.device() && (!bias.defined() || bias.device() == x.device()),
               "[conv2d] expected all tensors on one device, got the input on {} and the weight on "
               "{}",
               x.device().str(), weight.device().str());
  const Dims &in = x.sizes(), &w = weight.sizes();
  IOLAUS_CHECK(
      groups >= 1 && groups < kLimit && w[0] % groups == 0,
      "[conv2d] expected groups >= 1 and below 2^31 that divides the {} output channels, got {}",
      w[0], groups);
  IOLAUS_CHECK(in[1] == w[1] * groups,
               "[conv2d] with groups {} and weight {}, expected input {} to have {} channels, got "
               "{}",
               groups, w.str(), in.str(), w[1] * groups, in[1]);
  IOLAUS_CHECK(weight.numel() > 0, "[conv2d] expected a weight with elements, got {}", w.str());
  IOLAUS_CHECK(!bias.defined() || bias.sizes() == Dims{w[0]},
               "[conv2d] with weight {}, expected a bias [{}], got {}", w.str(), w[0],
               bias.sizes().str());
}

Geometry make_geometry(const Tensor& x, const Tensor& weight, const Conv2dOptions& options) {
  const auto check = [](const Pair& pair, int64_t least, const char* what) {
    IOLAUS_CHECK(
        pair.height >= least && pair.width >= least && pair.height < kLimit && pair.width < kLimit,
        "[conv2d] expected {} >= {} and below 2^31, got ({}, {})", what, least, pair.height,
        pair.width);
  };
  check(options.stride, 1, "stride");
  check(options.padding, 0, "padding");
  check(options.dilation, 1, "dilation");
  const Dims &in = x.sizes(), &w = weight.sizes();
  const Window2d window{{w[2], w[3]},
                        {options.stride.height, options.stride.width},
                        {options.padding.height, options.padding.width},
                        {options.dilation.height, options.dilation.width}};
  const int64_t height = window.output(0, in[2]), width = window.output(1, in[3]);
  IOLAUS_CHECK(height > 0 && width > 0,
               "[conv2d] expected an input of at least the window's size; input {} with padding "
               "({}, {}) is {} x {}, the window (with dilation) {} x {}",
               in.str(), window.padding[0], window.padding[1], in[2] + 2 * window.padding[0],
               in[3] + 2 * window.padding[1], window.span(0), window.span(1));
  return {window, options.groups, in, w, {in[0], w[0], height, width}};
}

OpSample sample(const char* what, const Dims& x, const Dims& weight, const Conv2dOptions& options,
                bool bias = true) {
  Tensors inputs{sample64(x, 1), sample64(weight, 2)};
  if (bias) inputs.push_back(sample64({weight[0]}, 3));
  return {what, inputs, [options](const Tensors& t) {
            return conv2d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), options);
          }};
}

const bool kRegistered = register_op(
    {"conv2d", [] {
       return std::vector<OpSample>{
           sample("plain", {2, 3, 5, 4}, {2, 3, 3, 2}, {}),
           sample("no bias", {1, 2, 4, 4}, {3, 2, 1, 1}, {}, false),
           sample("stride and padding", {1, 2, 5, 6}, {2, 2, 3, 3},
                  {.stride = {2, 3}, .padding = {1, 2}}),
           sample("dilation", {1, 1, 6, 7}, {2, 1, 2, 3}, {.padding = 1, .dilation = {3, 2}}),
           sample("groups", {1, 4, 4, 4}, {6, 2, 3, 3}, {.padding = 1, .groups = 2}),
           sample("depthwise", {2, 3, 5, 4}, {3, 1, 3, 2}, {.stride = {2, 1}, .groups = 3})};
     }});

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  if (autocast::on()) return autocast::call("conv", conv2d, x, weight, bias, options);
  check_operands(x, weight, bias, options.groups);
  return convolve(x, weight, bias, make_geometry(x, weight, options));
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& o) {
  if (autocast::on()) return autocast::call("conv_transpose", conv_transpose2d, x, weight, bias, o);
  constexpr const char* kOp = "conv_transpose2d";
  IOLAUS_CHECK(
      x.dim() == 4 && weight.dim() == 4 && o.groups > 0 && o.groups < kLimit &&
          x.sizes()[1] % o.groups == 0 && x.sizes()[1] == weight.sizes()[0],
      "[{}] expected an input (N, C, H, W) and a weight (C, out / groups, kh, kw), got {}, "
      "{} and groups {}",
      kOp, x.describe(), weight.describe(), o.groups);
  IOLAUS_CHECK_CODE(is_floating(x.dtype()) && x.dtype() == weight.dtype(), ErrorCode::kType,
                    "[{}] expected input and weight of one floating dtype, got {} and {}", kOp,
                    x.describe(), weight.describe());
  IOLAUS_CHECK(x.sizes()[2] > 0 && x.sizes()[3] > 0, "[{}] expected images with elements, got {}",
               kOp, x.describe());
  const int64_t channels = weight.sizes()[1] * o.groups;
  IOLAUS_CHECK(!bias.defined() || bias.sizes() == Dims{channels},
               "[{}] expected a bias [{}], got {}", kOp, channels, bias.describe());
  const Window2d window{{weight.sizes()[2], weight.sizes()[3]},
                        {o.stride.height, o.stride.width},
                        {o.padding.height, o.padding.width},
                        {o.dilation.height, o.dilation.width}};
  const int64_t extra[] = {o.output_padding.height, o.output_padding.width};
  int64_t size[2];
  for (int i = 0; i < 2; ++i) {
    IOLAUS_CHECK(window.stride[i] > 0 && window.dilation[i] > 0 && window.padding[i] >= 0 &&
                     extra[i] >= 0 && extra[i] < std::max(window.stride[i], window.dilation[i]),
                 "[{}] expected positive stride and dilation, padding >= 0 and an output_padding "
                 "below one of the former, got {}, {}, {} and {}",
                 kOp, window.stride[i], window.dilation[i], window.padding[i], extra[i]);
    IOLAUS_CHECK(
        window.stride[i] < kLimit && window.dilation[i] < kLimit && window.padding[i] < kLimit,
        "[{}] expected stride, dilation and padding below 2^31, got {}, {} and {}", kOp,
        window.stride[i], window.dilation[i], window.padding[i]);
    size[i] = (x.sizes()[static_cast<size_t>(2 + i)] - 1) * window.stride[i] -
              2 * window.padding[i] + window.span(i) + extra[i];
    IOLAUS_CHECK(size[i] > 0, "[{}] the output of input {} and weight {} would be empty", kOp,
                 x.sizes().str(), weight.sizes().str());
  }
  const Geometry geometry{
      window, o.groups, {x.sizes()[0], channels, size[0], size[1]}, weight.sizes(), x.sizes()};
  const Tensor y = input_gradient(x, weight, geometry);
  return bias.defined() ? add(y, reshape(bias, {1, channels, 1, 1})) : y;
}

}  // namespace iolaus
