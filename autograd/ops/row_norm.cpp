// rms_norm, and the normalisations fused with the residual sum before them. The gradient is one
// kernel; where a gradient of the gradient is wanted (create_graph) it is the same formula, written
// with differentiable ops.
#include "kernels/row_norm/row_norm.h"

#include <limits>

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
using Grads = std::array<Tensor, 4>;  // of x, residual, weight and bias

// What both ways of computing the gradient need.
struct Saved {
  RowNormKind kind;
  SavedTensor s, weight;
  DType weight_dtype, bias_dtype;
  Tensor mean, rstd;  // (rows), in the statistics' dtype
  Dims shape;         // normalized_shape
  int64_t columns;
  double eps;
};

// g is the gradient of the normalised rows, gs that of their sum or undefined.
Grads fast_gradient(const Saved& saved, const Node& n, const Tensor& g, const Tensor& gs) {
  const Tensor s = saved.s(n);
  RowNormBackward args;
  args.kind = saved.kind, args.columns = saved.columns;
  args.g = contiguous(g), args.s = s, args.mean = saved.mean, args.rstd = saved.rstd;
  if (gs.defined()) args.gs = contiguous(gs);
  if (saved.weight.defined()) args.gamma = saved.weight(n);
  if (n.needs(0) || n.needs(1)) args.dx = empty_like(s);
  const Device device = s.device();
  if (n.needs(2)) args.dgamma = empty(saved.shape, {.dtype = saved.weight_dtype, .device = device});
  if (n.needs(3)) args.dbeta = empty(saved.shape, {.dtype = saved.bias_dtype, .device = device});
  row_norm_backward_kernels(saved.kind)(args);
  return {args.dx, args.dx, args.dgamma, args.dbeta};
}

Grads differentiable_gradient(const Saved& saved, const Node& n, const Tensor& g,
                              const Tensor& gs) {
  const Tensor s = saved.s(n);
  const bool centered = saved.kind == RowNormKind::kAddLayer;
  Dims last;
  for (int64_t d = s.dim() - saved.shape.rank(); d < s.dim(); ++d) last.push_back(d);
  const Tensor center = centered ? s - mean(s, last, true) : s;
  const Tensor rstd = rsqrt(mean(square(center), last, true) + saved.eps);
  const Tensor xhat = center * rstd;
  Grads grads;
  if (n.needs(0) || n.needs(1)) {
    const Tensor h = saved.weight.defined() ? g * saved.weight(n) : g;
    Tensor inner = h - xhat * mean(h * xhat, last, true);
    if (centered) inner = inner - mean(h, last, true);
    const Tensor dx = rstd * inner;
    grads[0] = grads[1] = to(gs.defined() ? dx + gs : dx, s.dtype());
  }
  if (n.needs(2)) grads[2] = to(sum_to(g * xhat, saved.shape), saved.weight_dtype);
  if (n.needs(3)) grads[3] = to(sum_to(g, saved.shape), saved.bias_dtype);
  return grads;
}

Grads gradient(const Saved& saved, const Node& n, const Tensor& g, const Tensor& gs) {
  if (!g.defined()) return {gs, gs, {}, {}};
  return grad_enabled() ? differentiable_gradient(saved, n, g, gs) : fast_gradient(saved, n, g, gs);
}

void check_parameter(const char* op, const char* what, const Tensor& t, const Tensor& x,
                     const Dims& shape) {
  if (!t.defined()) return;
  IOLAUS_CHECK(t.sizes() == shape, "[{}] expected {} of normalized_shape {}, got {}", op, what,
               shape.str(), t.sizes().str());
  IOLAUS_CHECK_CODE(t.dtype() == x.dtype() || t.dtype() == statistics_dtype(x.dtype()),
                    ErrorCode::kType, "[{}] expected {} of dtype {} or {}, got {}", op, what,
                    dtype_name(x.dtype()), dtype_name(statistics_dtype(x.dtype())),
                    dtype_name(t.dtype()));
  IOLAUS_CHECK(t.device() == x.device(), "[{}] expected {} on {}, got {}", op, what,
               x.device().str(), t.device().str());
}

void check_arguments(const char* op, const RowNorm& a, const Dims& shape) {
  const Tensor& x = a.x;
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, dtype_name(x.dtype()));
  IOLAUS_CHECK(!shape.empty() && checked_numel(shape) > 0,
               "[{}] expected a normalized_shape with elements, got {}", op, shape.str());
  bool fits = x.dim() >= shape.rank();
  for (int d = 1; fits && d <= shape.rank(); ++d) fits = x.size(-d) == shape[shape.size() - d];
  IOLAUS_CHECK(fits, "[{}] expected an input whose last sizes are {}, got {}", op, shape.str(),
               x.describe());
  IOLAUS_CHECK(a.kind == RowNormKind::kRms ||
                   (a.residual.defined() && a.residual.sizes() == x.sizes() &&
                    a.residual.dtype() == x.dtype() && a.residual.device() == x.device()),
               "[{}] expected a residual like the input {}, got {}", op, x.describe(),
               a.residual.defined() ? a.residual.describe() : "none");
  check_parameter(op, "weight", a.gamma, x, shape);
  check_parameter(op, "bias", a.beta, x, shape);
  IOLAUS_CHECK_CODE(!a.gamma.defined() || !a.beta.defined() || a.gamma.dtype() == a.beta.dtype(),
                    ErrorCode::kType, "[{}] expected weight and bias of one dtype, got {} and {}",
                    op, dtype_name(a.gamma.dtype()), dtype_name(a.beta.dtype()));
}

// Fills in what the kernel needs beside x, residual, gamma, beta, kind and eps, runs and records
// it.
NormWithSum normalise(const char* op, RowNorm a, const Dims& shape) {
  check_arguments(op, a, shape);
  const bool adds = a.kind != RowNormKind::kRms;
  for (Tensor* t : {&a.x, &a.residual, &a.gamma, &a.beta}) {
    if (t->defined()) *t = contiguous(*t);
  }
  a.columns = checked_numel(shape);
  a.out = empty(a.x.sizes(), a.x.options());
  if (adds) a.sum = empty(a.x.sizes(), a.x.options());
  a.rstd = empty({a.rows()}, {.dtype = statistics_dtype(a.x.dtype()), .device = a.x.device()});
  if (a.centered()) a.mean = empty_like(a.rstd);
  row_norm_kernels(a.kind)(a);
  if (!needs_grad(a.x, a.residual, a.gamma, a.beta)) return {a.out, a.sum};
  const auto dtype_or = [&](const Tensor& t) { return t.defined() ? t.dtype() : a.x.dtype(); };
  const Saved saved{a.kind,           adds ? save_output(a.sum) : save(a.x),
                    save(a.gamma),    dtype_or(a.gamma),
                    dtype_or(a.beta), a.mean,
                    a.rstd,           shape,
                    a.columns,        a.eps};
  auto inputs = edges(a.x, a.residual, a.gamma, a.beta);
  if (adds) {
    const Tensor outs[] = {a.sum, a.out};  // the sum first: it is what is saved
    record(op, std::span(outs), inputs, [saved](const Node& n, std::span<const Tensor> g) {
      return gradient(saved, n, g[1], g[0]);
    });
  } else {
    record(op, a.out, inputs,
           [saved](const Node& n, const Tensor& g) { return gradient(saved, n, g, {}); });
  }
  return {a.out, a.sum};
}

RowNorm arguments(RowNormKind kind, const Tensor& x, const Tensor& residual, const Tensor& weight,
                  const Tensor& bias, double eps) {
  RowNorm a;
  a.kind = kind, a.x = x, a.residual = residual, a.gamma = weight, a.beta = bias, a.eps = eps;
  return a;
}

double default_eps(DType dtype) {
  switch (dtype) {
    case kFloat64:
      return std::numeric_limits<double>::epsilon();
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

using Fn = std::function<Tensor(const Tensors&)>;
OpSample sample(const char* what, const Dims& x, const Dims& shape, int parameters, Fn fn) {
  Tensors inputs{sample64(x, 1, -1, 2), sample64(x, 2)};
  for (int i = 0; i < parameters; ++i) inputs.push_back(sample64(shape, 3u + i, 0.5, 2));
  return {what, inputs, std::move(fn)};
}
Tensor at_or_none(const Tensors& t, size_t i) { return i < t.size() ? t[i] : Tensor(); }
// One tensor of both results, so that both gradients arrive.
Tensor join(const NormWithSum& r) { return r.out * r.sum; }

std::vector<OpSample> rms_samples() {
  const auto fn = [](const Dims& shape) {
    return [shape](const Tensors& t) {
      return rms_norm(t[0], shape, t.size() > 1 ? t[1] : Tensor(), 1e-3);
    };
  };
  return {
      {"rows", {sample64({4, 5}, 1, -1, 2), sample64({5}, 2, 0.5, 2)}, fn({5})},
      {"two dimensions", {sample64({2, 3, 4}, 3, -1, 2), sample64({3, 4}, 4, 0.5, 2)}, fn({3, 4})},
      {"plain", {sample64({2, 2, 6}, 5)}, fn({6})}};
}

const bool kRegistered =
    register_op({"rms_norm", rms_samples}) &&
    register_op(
        {"add_layer_norm",
         [] {
           const auto both = [](const Dims& shape) {
             return [shape](const Tensors& t) {
               return join(add_layer_norm(t[0], t[1], shape, at_or_none(t, 2), at_or_none(t, 3)));
             };
           };
           return std::vector<OpSample>{
               sample("rows", {4, 5}, {5}, 2, both({5})),
               sample("two dimensions", {2, 2, 3}, {2, 3}, 2, both({2, 3})),
               sample("plain", {3, 6}, {6}, 0, both({6})),
               sample("the norm alone", {3, 4}, {4}, 1,
                      [](const Tensors& t) { return add_layer_norm(t[0], t[1], {4}, t[2]).out; })};
         }}) &&
    register_op({"add_rms_norm", [] {
                   const auto both = [](const Dims& shape) {
                     return [shape](const Tensors& t) {
                       return join(add_rms_norm(t[0], t[1], shape, at_or_none(t, 2), 1e-3));
                     };
                   };
                   return std::vector<OpSample>{
                       sample("rows", {4, 5}, {5}, 1, both({5})),
                       sample("plain", {3, 6}, {6}, 0, both({6})),
                       sample("the sum alone", {3, 4}, {4}, 1, [](const Tensors& t) {
                         return square(add_rms_norm(t[0], t[1], {4}, t[2]).sum);
                       })};
                 }});

const bool kBoxed = boxed(
    "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> "
    "Tensor",
    rms_norm);

}  // namespace

Tensor rms_norm(const Tensor& x, const Dims& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  if (autocast::on()) return autocast::call("rms_norm", rms_norm, x, normalized_shape, weight, eps);
  return normalise(
             "rms_norm",
             arguments(RowNormKind::kRms, x, {}, weight, {}, eps.value_or(default_eps(x.dtype()))),
             normalized_shape)
      .out;
}
NormWithSum add_layer_norm(const Tensor& x, const Tensor& residual, const Dims& normalized_shape,
                           const Tensor& weight, const Tensor& bias, double eps) {
  return normalise("add_layer_norm",
                   arguments(RowNormKind::kAddLayer, x, residual, weight, bias, eps),
                   normalized_shape);
}
NormWithSum add_rms_norm(const Tensor& x, const Tensor& residual, const Dims& normalized_shape,
                         const Tensor& weight, std::optional<double> eps) {
  return normalise("add_rms_norm",
                   arguments(RowNormKind::kAddRms, x, residual, weight, {},
                             eps.value_or(default_eps(x.dtype()))),
                   normalized_shape);
}

}  // namespace iolaus
