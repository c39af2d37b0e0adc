// prod, var, std, norm. Where a formula of calculus divides by zero, the gradient is the limit or
// PyTorch's choice: prod with zeros is exact, std and norm give 0 at 0.
#include <algorithm>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/reduce_common.h"
#include "autograd/ops/widen.h"
#include "core/views.h"

namespace iolaus {
namespace {

using detail::check_floating;
using detail::kept_sizes;
using detail::reduce;
using detail::reduced_mask;

Tensor zero_like_kind(const Tensor& x) { return scalar_tensor(0, x.options()); }

// The reduced dimensions of x, as Dims.
Dims dims_of(uint32_t mask) {
  Dims dims;
  for (int d = 0; mask >> d != 0; ++d) {
    if (mask >> d & 1u) dims.push_back(d);
  }
  return dims;
}

// Products of all other elements along the reduced dimensions, for each element: by division, but
// where zeros are the product over the others is taken as it is.
Tensor products_of_others(const Tensor& x, uint32_t mask) {
  const Tensor is_zero = eq(x.detach(), 0);
  const Tensor others = where(is_zero, scalar_tensor(1, x.options()), x);
  const Tensor zeros = reduce(ReduceOp::kSum, is_zero, mask, true);
  const Tensor product =
      mask == 0 ? others : prod(others, dims_of(mask), true);  // of those that are not zero
  const Tensor none = zero_like_kind(x);
  const Tensor alone = logical_and(is_zero, eq(zeros, 1));
  return where(eq(zeros, 0), div(product, others), where(alone, expand(product, x.sizes()), none));
}

// The same with a matrix of all factors but one in each row: slow, but differentiable where zeros
// are, too.
Tensor products_by_matrix(const Tensor& x, uint32_t mask) {
  Dims order, sizes;
  for (int d = 0; d < x.dim(); ++d) {
    if ((mask >> d & 1u) == 0) order.push_back(d);
  }
  const size_t kept = order.size();
  for (int64_t d : dims_of(mask)) order.push_back(d);
  const Tensor moved = permute(x, order);
  int64_t count = 1, rows = 1;
  for (size_t d = 0; d < order.size(); ++d) (d < kept ? rows : count) *= moved.sizes()[d];
  const Tensor flat = reshape(moved, {rows, 1, count});
  const Tensor eye = zeros({count, count}, {.dtype = kBool, .device = x.device()});
  fill_(views::diagonal(eye), true);
  const Tensor factors = where(eye, scalar_tensor(1, x.options()), flat);
  const Tensor others = reshape(prod(factors, {2}), moved.sizes());
  Dims back = order;
  for (size_t d = 0; d < order.size(); ++d)
    back[static_cast<size_t>(order[d])] = static_cast<int64_t>(d);
  return permute(others, back);
}

// dx of the variance.
Tensor var_backward(const Tensor& x, const Tensor& g, uint32_t mask, double divisor) {
  const Tensor centered = sub(x, mean(x, dims_of(mask), true));
  return mul(mul(centered, 2 / divisor), reshape(g, kept_sizes(x, mask)));
}

double var_divisor(const Tensor& x, uint32_t mask, double correction) {
  int64_t count = 1;
  for (int64_t d : dims_of(mask)) count *= x.sizes()[static_cast<size_t>(d)];
  return std::max(0.0, static_cast<double>(count) - correction);
}

const bool kProd =
    register_op({"prod", [] {
                   const Tensor one_zero = from_values<double>({1.5, 0, -2, 0.5, 3, 1}, {2, 3});
                   const Tensor two_zeros = from_values<double>({0, 0, -2, 0.5, 0, 1}, {2, 3});
                   const auto rows = [](const Tensors& x) { return prod(x[0], {1}); };
                   return std::vector<OpSample>{
                       {"all", {sample64({2, 3}, 1)}, [](const Tensors& x) { return prod(x[0]); }},
                       {"dims",
                        {sample64({2, 3, 2}, 2)},
                        [](const Tensors& x) {
                          return prod(x[0], {0, 2}, true);
                        }},
                       {"one zero in a row", {one_zero}, rows},
                       {"more zeros", {two_zeros}, rows},
                       {"0-dim", {sample64({}, 3)}, [](const Tensors& x) { return prod(x[0]); }}};
                 }});
std::vector<OpSample> moment_samples(Tensor (*fn)(const Tensor&, const Dims&, double, bool)) {
  const auto with = [fn](Dims dims, double correction, bool keepdim) {
    return [fn, dims, correction, keepdim](const Tensors& x) {
      return fn(x[0], dims, correction, keepdim);
    };
  };
  return {{"all", {sample64({3, 4}, 1)}, with({}, 1, false)},
          {"dims", {sample64({3, 4, 2}, 2)}, with({0, -1}, 0, false)},
          {"keepdim", {sample64({3, 4}, 3)}, with({1}, 1, true)}};
}
const bool kVar = register_op({"var", [] { return moment_samples(var); }});
const bool kStd = register_op({"std", [] { return moment_samples(iolaus::std); }});
const bool kNorm = register_op(
    {"norm", [] {
       return std::vector<OpSample>{
           {"all", {sample64({3, 4}, 1)}, [](const Tensors& x) { return norm(x[0]); }},
           {"rows", {sample64({3, 4}, 2)}, [](const Tensors& x) { return norm(x[0], {1}, true); }}};
     }});

using Moment = Tensor (*)(const Tensor&, const Dims&, double, bool);
template <Moment fn>
Tensor moment(const Tensor& x, const Dims& dims, std::optional<double> correction, bool keepdim) {
  return fn(x, dims, correction.value_or(1), keepdim);
}
template <Moment fn> Tensor unbiased(const Tensor& x, const Dims& dims, bool flag, bool keepdim) {
  return fn(x, dims, flag ? 1 : 0, keepdim);
}
using Moments = std::pair<Tensor, Tensor> (*)(const Tensor&, const Dims&, double, bool);
template <Moments fn>
std::pair<Tensor, Tensor> moments(const Tensor& x, const Dims& dims,
                                  std::optional<double> correction, bool keepdim) {
  return fn(x, dims, correction.value_or(1), keepdim);
}
template <Moments fn>
std::pair<Tensor, Tensor> unbiased_moments(const Tensor& x, const Dims& dims, bool flag,
                                           bool keepdim) {
  return fn(x, dims, flag ? 1 : 0, keepdim);
}

const bool kBoxed =
    boxed(
        "prod(Tensor input, *, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, std::optional<DType> dtype) { return prod(x, {}, false, dtype); }) &&
    boxed(
        "prod(Tensor input, int dim, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, int64_t dim, bool keepdim, std::optional<DType> dtype) {
          return prod(x, {dim}, keepdim, dtype);
        }) &&
    boxed(
        "std(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> Tensor",
        moment<iolaus::std>) &&
    boxed("std(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
          unbiased<iolaus::std>) &&
    boxed(
        "std(Tensor input, bool unbiased) -> Tensor",
        +[](const Tensor& x, bool flag) { return iolaus::std(x, {}, flag); }) &&
    boxed(
        "var(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> Tensor",
        moment<var>) &&
    boxed("var(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
          unbiased<var>) &&
    boxed(
        "var(Tensor input, bool unbiased) -> Tensor",
        +[](const Tensor& x, bool flag) { return var(x, {}, flag); }) &&
    boxed(
        "var_mean(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> "
        "(Tensor, Tensor)",
        moments<var_mean>) &&
    boxed(
        "var_mean(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> "
        "(Tensor, Tensor)",
        unbiased_moments<var_mean>) &&
    boxed(
        "var_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)",
        +[](const Tensor& x, bool flag) { return var_mean(x, {}, flag); }) &&
    boxed(
        "std_mean(Tensor input, int[]? dim=None, *, float? correction=1, bool keepdim=False) -> "
        "(Tensor, Tensor)",
        moments<std_mean>) &&
    boxed(
        "std_mean(Tensor input, int[]? dim, bool unbiased=True, bool keepdim=False) -> "
        "(Tensor, Tensor)",
        unbiased_moments<std_mean>) &&
    boxed(
        "std_mean(Tensor input, bool unbiased) -> (Tensor, Tensor)",
        +[](const Tensor& x, bool flag) { return std_mean(x, {}, flag); });

}  // namespace

std::pair<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims, double correction,
                                   bool keepdim) {
  if (is_short_float(x)) {
    const auto [v, m] = var_mean(widened(x), dims, correction, keepdim);
    return {to(v, x.dtype()), to(m, x.dtype())};
  }
  return {var(x, dims, correction, keepdim), mean(x, dims, keepdim)};
}
std::pair<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims, double correction,
                                   bool keepdim) {
  if (is_short_float(x)) {
    const auto [s, m] = std_mean(widened(x), dims, correction, keepdim);
    return {to(s, x.dtype()), to(m, x.dtype())};
  }
  return {iolaus::std(x, dims, correction, keepdim), mean(x, dims, keepdim)};
}

Tensor prod(const Tensor& input, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  if (autocast::on()) return autocast::call("prod", prod, input, dims, keepdim, dtype);
  const Tensor x = to(input, dtype.value_or(input.dtype()));
  const uint32_t mask = reduced_mask("prod", x, dims);
  Tensor out = reduce(ReduceOp::kProd, x, mask, keepdim);
  if (needs_grad(x)) {
    record("prod", out, edges(x),
           [x = save(x), mask, kept = kept_sizes(x, mask)](const Node& n, const Tensor& g) {
             const Tensor factors = x(n), grad = reshape(g, kept);
             if (mask == 0) return expand(grad, factors.sizes());
             const bool by_matrix = grad_enabled() && any(eq(factors.detach(), 0)).item<bool>();
             return mul(grad, by_matrix ? products_by_matrix(factors, mask)
                                        : products_of_others(factors, mask));
           });
  }
  return out;
}

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  check_floating("var", x);
  if (is_short_float(x) && needs_grad(x)) {
    return to(var(widened(x), dims, correction, keepdim), x.dtype());
  }
  const uint32_t mask = reduced_mask("var", x, dims);
  const double divisor = var_divisor(x, mask, correction);
  Tensor out = reduce(ReduceOp::kVar, x, mask, keepdim, divisor);
  if (needs_grad(x)) {
    record("var", out, edges(x), [x = save(x), mask, divisor](const Node& n, const Tensor& g) {
      return var_backward(x(n), g, mask, divisor);
    });
  }
  return out;
}

Tensor std(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  check_floating("std", x);
  if (is_short_float(x) && needs_grad(x)) {
    return to(iolaus::std(widened(x), dims, correction, keepdim), x.dtype());
  }
  const uint32_t mask = reduced_mask("std", x, dims);
  const double divisor = var_divisor(x, mask, correction);
  Tensor out = reduce(ReduceOp::kStd, x, mask, keepdim, divisor);
  if (needs_grad(x)) {
    record("std", out, edges(x),
           [x = save(x), y = save_output(out), mask, divisor](const Node& n, const Tensor& g) {
             const Tensor s = y(n);
             const Tensor half = div(g, mul(s, 2));
             return var_backward(x(n), where(eq(s.detach(), 0), zero_like_kind(half), half), mask,
                                 divisor);
           });
  }
  return out;
}

Tensor norm(const Tensor& x, const Dims& dims, bool keepdim) {
  if (autocast::on()) return autocast::call("norm", norm, x, dims, keepdim);
  check_floating("norm", x);
  const uint32_t mask = reduced_mask("norm", x, dims);
  Tensor out = reduce(ReduceOp::kNorm, x, mask, keepdim);
  if (needs_grad(x)) {
    record("norm", out, edges(x),
           [x = save(x), y = save_output(out), kept = kept_sizes(x, mask)](const Node& n,
                                                                           const Tensor& g) {
             const Tensor length = y(n);
             const Tensor scaled = div(g, length);
             const Tensor safe = where(eq(length.detach(), 0), zero_like_kind(scaled), scaled);
             return mul(x(n), reshape(safe, kept));
           });
  }
  return out;
}

}  // namespace iolaus
