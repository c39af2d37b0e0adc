// layer_norm. The gradient is one kernel; where a gradient of the gradient is wanted (create_graph)
// it is the same formula, written with differentiable ops.
#include "kernels/layer_norm/layer_norm.h"
#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/norm.h"
#include "autograd/ops/reduce.h"
#include "autograd/record.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

using autograd::SavedTensor;

// What both ways of computing the gradient need.
struct Saved {
  SavedTensor x, weight;
  DType bias_dtype;   // of weight too, where that is undefined
  Tensor mean, rstd;  // (rows), in the statistics' dtype
  Dims shape;         // normalized_shape
  int64_t columns;
  double eps;
};

std::array<Tensor, 3> fast_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  LayerNormBackward args{contiguous(g), x, {}, saved.mean, saved.rstd, {}, {}, {}, saved.columns};
  if (saved.weight.defined()) args.gamma = saved.weight(n);
  const TensorOptions options{.dtype = saved.bias_dtype, .device = x.device()};
  if (n.needs(0)) args.dx = empty_like(x);
  if (n.needs(1)) args.dgamma = empty(saved.shape, options);
  if (n.needs(2)) args.dbeta = empty(saved.shape, options);
  layer_norm_backward_kernels()(args);
  return {args.dx, args.dgamma, args.dbeta};
}

std::array<Tensor, 3> differentiable_gradient(const Saved& saved, const Node& n, const Tensor& g) {
  const Tensor x = saved.x(n);
  Dims last;
  for (int64_t d = x.dim() - saved.shape.rank(); d < x.dim(); ++d) last.push_back(d);
  const Tensor center = x - mean(x, last, true);
  const Tensor rstd = rsqrt(mean(square(center), last, true) + saved.eps);
  const Tensor xhat = center * rstd;
  std::array<Tensor, 3> grads;
  if (n.needs(0)) {
    const Tensor h = saved.weight.defined() ? g * saved.weight(n) : g;
    const Tensor inner = h - mean(h, last, true) - xhat * mean(h * xhat, last, true);
    grads[0] = to(rstd * inner, x.dtype());
  }
  if (n.needs(1)) grads[1] = to(sum_to(g * xhat, saved.shape), saved.bias_dtype);
  if (n.needs(2)) grads[2] = to(sum_to(g, saved.shape), saved.bias_dtype);
  return grads;
}

void check_parameter(const char* what, const Tensor& t, const Tensor& x, const Dims& shape) {
  if (!t.defined()) return;
  IOLAUS_CHECK(t.sizes() == shape, "[layer_norm] expected {} of normalized_shape {}, got {}", what,
               shape.str(), t.sizes().str());
  IOLAUS_CHECK_CODE(t.dtype() == x.dtype() || t.dtype() == statistics_dtype(x.dtype()),
                    ErrorCode::kType, "[layer_norm] expected {} of dtype {} or {}, got {}", what,
                    dtype_name(x.dtype()), dtype_name(statistics_dtype(x.dtype())),
                    dtype_name(t.dtype()));
  IOLAUS_CHECK(t.device() == x.device(), "[layer_norm] expected {} on {}, got {}", what,
               x.device().str(), t.device().str());
}

void check_arguments(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias) {
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[layer_norm] expected a floating input, got {}", dtype_name(x.dtype()));
  IOLAUS_CHECK(!shape.empty() && checked_numel(shape) > 0,
               "[layer_norm] expected a normalized_shape with elements, got {}", shape.str());
  bool fits = x.dim() >= shape.rank();
  for (int d = 1; fits && d <= shape.rank(); ++d) fits = x.size(-d) == shape[shape.size() - d];
  IOLAUS_CHECK(fits, "[layer_norm] expected an input whose last sizes are {}, got {}", shape.str(),
               x.describe());
  check_parameter("weight", weight, x, shape);
  check_parameter("bias", bias, x, shape);
  IOLAUS_CHECK_CODE(!weight.defined() || !bias.defined() || weight.dtype() == bias.dtype(),
                    ErrorCode::kType,
                    "[layer_norm] expected weight and bias of one dtype, got {} and {}",
                    dtype_name(weight.dtype()), dtype_name(bias.dtype()));
}

OpSample sample(const char* what, const Dims& x, const Dims& shape, bool affine) {
  Tensors inputs{sample64(x, 1, -1, 2)};
  if (affine) {
    inputs.push_back(sample64(shape, 2, 0.5, 2));
    inputs.push_back(sample64(shape, 3));
  }
  return {what, inputs, [=](const Tensors& t) {
            return layer_norm(t[0], shape, affine ? t[1] : Tensor(), affine ? t[2] : Tensor());
          }};
}

const bool kRegistered =
    register_op({"layer_norm", [] {
                   return std::vector<OpSample>{sample("rows", {4, 5}, {5}, true),
                                                sample("two dimensions", {2, 3, 4}, {3, 4}, true),
                                                sample("plain", {2, 2, 6}, {6}, false),
                                                sample("everything", {7}, {7}, true)};
                 }});

const bool kBoxed = boxed(
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-05) -> Tensor",
    layer_norm);

}  // namespace

Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  if (autocast::on())
    return autocast::call("layer_norm", layer_norm, input, normalized_shape, weight, bias, eps);
  check_arguments(input, normalized_shape, weight, bias);
  const Tensor x = contiguous(input);
  const Tensor gamma = weight.defined() ? contiguous(weight) : weight;
  const Tensor beta = bias.defined() ? contiguous(bias) : bias;
  LayerNorm args{
      x, gamma, beta, empty(x.sizes(), x.options()), {}, {}, checked_numel(normalized_shape), eps};
  args.mean = empty({args.rows()}, {.dtype = statistics_dtype(x.dtype()), .device = x.device()});
  args.rstd = empty_like(args.mean);
  layer_norm_kernels()(args);
  if (needs_grad(x, gamma, beta)) {
    const DType parameter = gamma.defined()  ? gamma.dtype()
                            : beta.defined() ? beta.dtype()
                                             : x.dtype();
    const Saved saved{save(x),   save(gamma),      parameter,    args.mean,
                      args.rstd, normalized_shape, args.columns, eps};
    record("layer_norm", args.out, edges(x, gamma, beta), [saved](const Node& n, const Tensor& g) {
      return grad_enabled() ? differentiable_gradient(saved, n, g) : fast_gradient(saved, n, g);
    });
  }
  return args.out;
}

}  // namespace iolaus
