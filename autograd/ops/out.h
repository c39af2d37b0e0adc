// out= forms, PyTorch's at::add_out(out, a, b): the op's result is written into a tensor that is
// there already, which they return. The first argument is out, then come the op's own:
//
//   const Tensor sum = empty({64, 64});
//   add_out(sum, a, b);
//   matmul_out(sum, a, b);
//
// out has the result's shape and device and any strides; its dtype may be another that can hold the
// result (float64 of float32, not int32), which is then converted. An out of shape [0] takes shape
// and memory of the result; any other shape is an error (PyTorch resizes with a warning). An
// elementwise op may have out among its inputs (add_out(x, x, y)); so may the others, which then
// compute in memory of their own and copy. Where kernel and destination fit, nothing else is
// allocated; a result of another dtype, and those of logsumexp, norms, eye and indexing
// by take and masks, are copied. Sums, products, running sums and new tensors have out's dtype.
//
// No gradients are recorded. Errors, naming the op: kInvalidArgument where out or an input requires
// a gradient outside of NoGrad, for another shape or device, expanded memory, and an input that
// shares some of out's elements in another order; kType for a dtype that cannot hold the result.
//
// In the op table and `iolaus op` it is the argument out, as in Python: torch.add(a, b, out=c).
#pragma once

#include "autograd/forms.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/arrange.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/index.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/scan.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/special.h"
#include "autograd/ops/view.h"

namespace iolaus {

// Functions of one number, and predicates.
inline constexpr auto abs_out = detail::out_of("abs", [](const auto&... v) { return abs(v...); });
inline constexpr auto neg_out = detail::out_of("neg", [](const auto&... v) { return neg(v...); });
inline constexpr auto sign_out =
    detail::out_of("sign", [](const auto&... v) { return sign(v...); });
inline constexpr auto square_out =
    detail::out_of("square", [](const auto&... v) { return square(v...); });
inline constexpr auto exp_out = detail::out_of("exp", [](const auto&... v) { return exp(v...); });
inline constexpr auto expm1_out =
    detail::out_of("expm1", [](const auto&... v) { return expm1(v...); });
inline constexpr auto exp2_out =
    detail::out_of("exp2", [](const auto&... v) { return exp2(v...); });
inline constexpr auto log_out = detail::out_of("log", [](const auto&... v) { return log(v...); });
inline constexpr auto log1p_out =
    detail::out_of("log1p", [](const auto&... v) { return log1p(v...); });
inline constexpr auto log2_out =
    detail::out_of("log2", [](const auto&... v) { return log2(v...); });
inline constexpr auto log10_out =
    detail::out_of("log10", [](const auto&... v) { return log10(v...); });
inline constexpr auto sqrt_out =
    detail::out_of("sqrt", [](const auto&... v) { return sqrt(v...); });
inline constexpr auto rsqrt_out =
    detail::out_of("rsqrt", [](const auto&... v) { return rsqrt(v...); });
inline constexpr auto reciprocal_out =
    detail::out_of("reciprocal", [](const auto&... v) { return reciprocal(v...); });
inline constexpr auto sin_out = detail::out_of("sin", [](const auto&... v) { return sin(v...); });
inline constexpr auto cos_out = detail::out_of("cos", [](const auto&... v) { return cos(v...); });
inline constexpr auto tan_out = detail::out_of("tan", [](const auto&... v) { return tan(v...); });
inline constexpr auto asin_out =
    detail::out_of("asin", [](const auto&... v) { return asin(v...); });
inline constexpr auto acos_out =
    detail::out_of("acos", [](const auto&... v) { return acos(v...); });
inline constexpr auto atan_out =
    detail::out_of("atan", [](const auto&... v) { return atan(v...); });
inline constexpr auto sinh_out =
    detail::out_of("sinh", [](const auto&... v) { return sinh(v...); });
inline constexpr auto cosh_out =
    detail::out_of("cosh", [](const auto&... v) { return cosh(v...); });
inline constexpr auto tanh_out =
    detail::out_of("tanh", [](const auto&... v) { return tanh(v...); });
inline constexpr auto asinh_out =
    detail::out_of("asinh", [](const auto&... v) { return asinh(v...); });
inline constexpr auto acosh_out =
    detail::out_of("acosh", [](const auto&... v) { return acosh(v...); });
inline constexpr auto atanh_out =
    detail::out_of("atanh", [](const auto&... v) { return atanh(v...); });
inline constexpr auto sigmoid_out =
    detail::out_of("sigmoid", [](const auto&... v) { return sigmoid(v...); });
inline constexpr auto erf_out = detail::out_of("erf", [](const auto&... v) { return erf(v...); });
inline constexpr auto erfc_out =
    detail::out_of("erfc", [](const auto&... v) { return erfc(v...); });
inline constexpr auto floor_out =
    detail::out_of("floor", [](const auto&... v) { return floor(v...); });
inline constexpr auto ceil_out =
    detail::out_of("ceil", [](const auto&... v) { return ceil(v...); });
inline constexpr auto trunc_out =
    detail::out_of("trunc", [](const auto&... v) { return trunc(v...); });
inline constexpr auto round_out =
    detail::out_of("round", [](const auto&... v) { return round(v...); });
inline constexpr auto frac_out =
    detail::out_of("frac", [](const auto&... v) { return frac(v...); });
inline constexpr auto sgn_out = detail::out_of("sgn", [](const auto&... v) { return sgn(v...); });
inline constexpr auto deg2rad_out =
    detail::out_of("deg2rad", [](const auto&... v) { return deg2rad(v...); });
inline constexpr auto rad2deg_out =
    detail::out_of("rad2deg", [](const auto&... v) { return rad2deg(v...); });
inline constexpr auto logit_out =
    detail::out_of("logit", [](const auto&... v) { return logit(v...); });
inline constexpr auto sinc_out =
    detail::out_of("sinc", [](const auto&... v) { return sinc(v...); });
inline constexpr auto nan_to_num_out =
    detail::out_of("nan_to_num", [](const auto&... v) { return nan_to_num(v...); });
inline constexpr auto logical_not_out =
    detail::out_of("logical_not", [](const auto&... v) { return logical_not(v...); });
inline constexpr auto bitwise_not_out =
    detail::out_of("bitwise_not", [](const auto&... v) { return bitwise_not(v...); });
inline constexpr auto isnan_out =
    detail::out_of("isnan", [](const auto&... v) { return isnan(v...); });
inline constexpr auto isinf_out =
    detail::out_of("isinf", [](const auto&... v) { return isinf(v...); });
inline constexpr auto isfinite_out =
    detail::out_of("isfinite", [](const auto&... v) { return isfinite(v...); });
inline constexpr auto signbit_out =
    detail::out_of("signbit", [](const auto&... v) { return signbit(v...); });
inline constexpr auto isposinf_out =
    detail::out_of("isposinf", [](const auto&... v) { return isposinf(v...); });
inline constexpr auto isneginf_out =
    detail::out_of("isneginf", [](const auto&... v) { return isneginf(v...); });

// Activations.
inline constexpr auto relu_out =
    detail::out_of("relu", [](const auto&... v) { return relu(v...); });
inline constexpr auto relu6_out =
    detail::out_of("relu6", [](const auto&... v) { return relu6(v...); });
inline constexpr auto leaky_relu_out =
    detail::out_of("leaky_relu", [](const auto&... v) { return leaky_relu(v...); });
inline constexpr auto elu_out = detail::out_of("elu", [](const auto&... v) { return elu(v...); });
inline constexpr auto selu_out =
    detail::out_of("selu", [](const auto&... v) { return selu(v...); });
inline constexpr auto celu_out =
    detail::out_of("celu", [](const auto&... v) { return celu(v...); });
inline constexpr auto silu_out =
    detail::out_of("silu", [](const auto&... v) { return silu(v...); });
inline constexpr auto mish_out =
    detail::out_of("mish", [](const auto&... v) { return mish(v...); });
inline constexpr auto hardtanh_out =
    detail::out_of("hardtanh", [](const auto&... v) { return hardtanh(v...); });
inline constexpr auto hardsigmoid_out =
    detail::out_of("hardsigmoid", [](const auto&... v) { return hardsigmoid(v...); });
inline constexpr auto hardswish_out =
    detail::out_of("hardswish", [](const auto&... v) { return hardswish(v...); });
inline constexpr auto threshold_out =
    detail::out_of("threshold", [](const auto&... v) { return threshold(v...); });
inline constexpr auto gelu_out =
    detail::out_of("gelu", [](const auto&... v) { return gelu(v...); });
inline constexpr auto softplus_out =
    detail::out_of("softplus", [](const auto&... v) { return softplus(v...); });
inline constexpr auto hardshrink_out =
    detail::out_of("hardshrink", [](const auto&... v) { return hardshrink(v...); });
inline constexpr auto softshrink_out =
    detail::out_of("softshrink", [](const auto&... v) { return softshrink(v...); });
inline constexpr auto softsign_out =
    detail::out_of("softsign", [](const auto&... v) { return softsign(v...); });
inline constexpr auto glu_out = detail::out_of("glu", [](const auto&... v) { return glu(v...); });

// Two operands.
inline constexpr auto add_out = detail::out_of("add", [](const auto&... v) { return add(v...); });
inline constexpr auto sub_out = detail::out_of("sub", [](const auto&... v) { return sub(v...); });
inline constexpr auto mul_out = detail::out_of("mul", [](const auto&... v) { return mul(v...); });
inline constexpr auto div_out = detail::out_of("div", [](const auto&... v) { return div(v...); });
inline constexpr auto floor_divide_out =
    detail::out_of("floor_divide", [](const auto&... v) { return floor_divide(v...); });
inline constexpr auto remainder_out =
    detail::out_of("remainder", [](const auto&... v) { return remainder(v...); });
inline constexpr auto fmod_out =
    detail::out_of("fmod", [](const auto&... v) { return fmod(v...); });
inline constexpr auto pow_out = detail::out_of("pow", [](const auto&... v) { return pow(v...); });
inline constexpr auto float_power_out =
    detail::out_of("float_power", [](const auto&... v) { return float_power(v...); });
inline constexpr auto atan2_out =
    detail::out_of("atan2", [](const auto&... v) { return atan2(v...); });
inline constexpr auto hypot_out =
    detail::out_of("hypot", [](const auto&... v) { return hypot(v...); });
inline constexpr auto copysign_out =
    detail::out_of("copysign", [](const auto&... v) { return copysign(v...); });
inline constexpr auto xlogy_out =
    detail::out_of("xlogy", [](const auto&... v) { return xlogy(v...); });
inline constexpr auto heaviside_out =
    detail::out_of("heaviside", [](const auto&... v) { return heaviside(v...); });
inline constexpr auto bitwise_and_out =
    detail::out_of("bitwise_and", [](const auto&... v) { return bitwise_and(v...); });
inline constexpr auto bitwise_or_out =
    detail::out_of("bitwise_or", [](const auto&... v) { return bitwise_or(v...); });
inline constexpr auto bitwise_xor_out =
    detail::out_of("bitwise_xor", [](const auto&... v) { return bitwise_xor(v...); });
inline constexpr auto logical_and_out =
    detail::out_of("logical_and", [](const auto&... v) { return logical_and(v...); });
inline constexpr auto logical_or_out =
    detail::out_of("logical_or", [](const auto&... v) { return logical_or(v...); });
inline constexpr auto logical_xor_out =
    detail::out_of("logical_xor", [](const auto&... v) { return logical_xor(v...); });
inline constexpr auto eq_out = detail::out_of("eq", [](const auto&... v) { return eq(v...); });
inline constexpr auto ne_out = detail::out_of("ne", [](const auto&... v) { return ne(v...); });
inline constexpr auto lt_out = detail::out_of("lt", [](const auto&... v) { return lt(v...); });
inline constexpr auto le_out = detail::out_of("le", [](const auto&... v) { return le(v...); });
inline constexpr auto gt_out = detail::out_of("gt", [](const auto&... v) { return gt(v...); });
inline constexpr auto ge_out = detail::out_of("ge", [](const auto&... v) { return ge(v...); });
inline constexpr auto maximum_out =
    detail::out_of("maximum", [](const auto&... v) { return maximum(v...); });
inline constexpr auto minimum_out =
    detail::out_of("minimum", [](const auto&... v) { return minimum(v...); });
inline constexpr auto fmax_out =
    detail::out_of("fmax", [](const auto&... v) { return fmax(v...); });
inline constexpr auto fmin_out =
    detail::out_of("fmin", [](const auto&... v) { return fmin(v...); });
inline constexpr auto logaddexp_out =
    detail::out_of("logaddexp", [](const auto&... v) { return logaddexp(v...); });
inline constexpr auto logaddexp2_out =
    detail::out_of("logaddexp2", [](const auto&... v) { return logaddexp2(v...); });

// Three operands.
inline constexpr auto clamp_out =
    detail::out_of("clamp", [](const auto&... v) { return clamp(v...); });
inline constexpr auto lerp_out =
    detail::out_of("lerp", [](const auto&... v) { return lerp(v...); });
inline constexpr auto addcmul_out =
    detail::out_of("addcmul", [](const auto&... v) { return addcmul(v...); });
inline constexpr auto addcdiv_out =
    detail::out_of("addcdiv", [](const auto&... v) { return addcdiv(v...); });
inline constexpr auto masked_fill_out =
    detail::out_of("masked_fill", [](const auto&... v) { return masked_fill(v...); });
inline constexpr auto where_out =
    detail::out_of("where", [](const auto&... v) { return where(v...); });

// Products.
inline constexpr auto mm_out = detail::out_of("mm", [](const auto&... v) { return mm(v...); });
inline constexpr auto bmm_out = detail::out_of("bmm", [](const auto&... v) { return bmm(v...); });
inline constexpr auto matmul_out =
    detail::out_of("matmul", [](const auto&... v) { return matmul(v...); });
inline constexpr auto mv_out = detail::out_of("mv", [](const auto&... v) { return mv(v...); });
inline constexpr auto dot_out = detail::out_of("dot", [](const auto&... v) { return dot(v...); });
inline constexpr auto outer_out =
    detail::out_of("outer", [](const auto&... v) { return outer(v...); });
inline constexpr auto linear_out =
    detail::out_of("linear", [](const auto&... v) { return linear(v...); });
inline constexpr auto addmm_out =
    detail::out_of("addmm", [](const auto&... v) { return addmm(v...); });
inline constexpr auto baddbmm_out =
    detail::out_of("baddbmm", [](const auto&... v) { return baddbmm(v...); });
inline constexpr auto addbmm_out =
    detail::out_of("addbmm", [](const auto&... v) { return addbmm(v...); });
inline constexpr auto addmv_out =
    detail::out_of("addmv", [](const auto&... v) { return addmv(v...); });
inline constexpr auto addr_out =
    detail::out_of("addr", [](const auto&... v) { return addr(v...); });

// By index, and shapes.
inline constexpr auto gather_out =
    detail::out_of("gather", [](const auto&... v) { return gather(v...); });
inline constexpr auto index_select_out =
    detail::out_of("index_select", [](const auto&... v) { return index_select(v...); });
inline constexpr auto take_out =
    detail::out_of("take", [](const auto&... v) { return take(v...); });
inline constexpr auto take_along_dim_out =
    detail::out_of("take_along_dim", [](const auto&... v) { return take_along_dim(v...); });
inline constexpr auto masked_select_out =
    detail::out_of("masked_select", [](const auto&... v) { return masked_select(v...); });
inline constexpr auto scatter_out =
    detail::out_of("scatter", [](const auto&... v) { return scatter(v...); });
inline constexpr auto scatter_add_out =
    detail::out_of("scatter_add", [](const auto&... v) { return scatter_add(v...); });
inline constexpr auto scatter_reduce_out =
    detail::out_of("scatter_reduce", [](const auto&... v) { return scatter_reduce(v...); });
inline constexpr auto index_add_out =
    detail::out_of("index_add", [](const auto&... v) { return index_add(v...); });
inline constexpr auto index_copy_out =
    detail::out_of("index_copy", [](const auto&... v) { return index_copy(v...); });
inline constexpr auto index_fill_out =
    detail::out_of("index_fill", [](const auto&... v) { return index_fill(v...); });
inline constexpr auto masked_scatter_out =
    detail::out_of("masked_scatter", [](const auto&... v) { return masked_scatter(v...); });
inline constexpr auto tril_out =
    detail::out_of("tril", [](const auto&... v) { return tril(v...); });
inline constexpr auto triu_out =
    detail::out_of("triu", [](const auto&... v) { return triu(v...); });
inline constexpr auto softmax_out =
    detail::out_of("softmax", [](const auto&... v) { return softmax(v...); });
inline constexpr auto log_softmax_out =
    detail::out_of("log_softmax", [](const auto&... v) { return log_softmax(v...); });

// Reductions over dims, all of them where there are none.
namespace detail {
template <class Fn>
const Tensor& reduce_out(std::string_view op, const Tensor& out, const Tensor& x, Fn&& fn) {
  return into(*find_form(op), out, fn, x);
}
}  // namespace detail
inline const Tensor& sum_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                             bool keepdim = false) {
  return detail::reduce_out("sum", out, x,
                            [&](const Tensor& t) { return sum(t, dims, keepdim, out.dtype()); });
}
inline const Tensor& mean_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                              bool keepdim = false) {
  return detail::reduce_out("mean", out, x,
                            [&](const Tensor& t) { return mean(t, dims, keepdim, out.dtype()); });
}
inline const Tensor& prod_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                              bool keepdim = false) {
  return detail::reduce_out("prod", out, x,
                            [&](const Tensor& t) { return prod(t, dims, keepdim, out.dtype()); });
}
inline const Tensor& nansum_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                                bool keepdim = false) {
  return detail::reduce_out("nansum", out, x,
                            [&](const Tensor& t) { return nansum(t, dims, keepdim, out.dtype()); });
}
inline const Tensor& amax_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                              bool keepdim = false) {
  return detail::reduce_out("amax", out, x,
                            [&](const Tensor& t) { return amax(t, dims, keepdim); });
}
inline const Tensor& amin_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                              bool keepdim = false) {
  return detail::reduce_out("amin", out, x,
                            [&](const Tensor& t) { return amin(t, dims, keepdim); });
}
inline const Tensor& any_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                             bool keepdim = false) {
  return detail::reduce_out("any", out, x, [&](const Tensor& t) { return any(t, dims, keepdim); });
}
inline const Tensor& all_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                             bool keepdim = false) {
  return detail::reduce_out("all", out, x, [&](const Tensor& t) { return all(t, dims, keepdim); });
}
inline const Tensor& argmax_out(const Tensor& out, const Tensor& x, int64_t dim,
                                bool keepdim = false) {
  return detail::reduce_out("argmax", out, x,
                            [&](const Tensor& t) { return argmax(t, dim, keepdim); });
}
inline const Tensor& argmin_out(const Tensor& out, const Tensor& x, int64_t dim,
                                bool keepdim = false) {
  return detail::reduce_out("argmin", out, x,
                            [&](const Tensor& t) { return argmin(t, dim, keepdim); });
}
inline const Tensor& var_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                             double correction = 1, bool keepdim = false) {
  return detail::reduce_out("var", out, x,
                            [&](const Tensor& t) { return var(t, dims, correction, keepdim); });
}
inline const Tensor& std_out(const Tensor& out, const Tensor& x, const Dims& dims = {},
                             double correction = 1, bool keepdim = false) {
  return detail::reduce_out("std", out, x,
                            [&](const Tensor& t) { return std(t, dims, correction, keepdim); });
}
inline const Tensor& vector_norm_out(const Tensor& out, const Tensor& x, double ord = 2,
                                     const Dims& dims = {}, bool keepdim = false) {
  return detail::reduce_out("vector_norm", out, x,
                            [&](const Tensor& t) { return vector_norm(t, ord, dims, keepdim); });
}
inline const Tensor& logsumexp_out(const Tensor& out, const Tensor& x, const Dims& dims,
                                   bool keepdim = false) {
  return detail::reduce_out("logsumexp", out, x,
                            [&](const Tensor& t) { return logsumexp(t, dims, keepdim); });
}
inline const Tensor& count_nonzero_out(const Tensor& out, const Tensor& x, const Dims& dims = {}) {
  return detail::reduce_out("count_nonzero", out, x,
                            [&](const Tensor& t) { return count_nonzero(t, dims); });
}
inline const Tensor& cumsum_out(const Tensor& out, const Tensor& x, int64_t dim) {
  return detail::reduce_out("cumsum", out, x,
                            [&](const Tensor& t) { return cumsum(t, dim, out.dtype()); });
}
inline const Tensor& cumprod_out(const Tensor& out, const Tensor& x, int64_t dim) {
  return detail::reduce_out("cumprod", out, x,
                            [&](const Tensor& t) { return cumprod(t, dim, out.dtype()); });
}

inline const Tensor& cat_out(const Tensor& out, const Tensors& tensors, int64_t dim = 0) {
  return detail::into(
      *find_form("cat"), out, [dim](const Tensors& list) { return cat(list, dim); }, tensors);
}
inline const Tensor& stack_out(const Tensor& out, const Tensors& tensors, int64_t dim = 0) {
  return detail::into(
      *find_form("stack"), out, [dim](const Tensors& list) { return stack(list, dim); }, tensors);
}

/// New values in out's own dtype and on its device.
inline const Tensor& arange_out(const Tensor& out, Scalar start, Scalar end, Scalar step = 1) {
  return detail::into(*find_form("arange"), out,
                      [&] { return arange(start, end, step, out.dtype(), out.device()); });
}
inline const Tensor& linspace_out(const Tensor& out, double start, double end, int64_t steps) {
  return detail::into(*find_form("linspace"), out,
                      [&] { return linspace(start, end, steps, out.options()); });
}
inline const Tensor& full_out(const Tensor& out, const Dims& sizes, Scalar value) {
  return detail::into(*find_form("full"), out, [&] { return full(sizes, value, out.options()); });
}
inline const Tensor& zeros_out(const Tensor& out, const Dims& sizes) {
  return full_out(out, sizes, 0);
}
inline const Tensor& ones_out(const Tensor& out, const Dims& sizes) {
  return full_out(out, sizes, 1);
}
inline const Tensor& eye_out(const Tensor& out, int64_t n, std::optional<int64_t> m = {}) {
  return detail::into(*find_form("eye"), out, [&] { return eye(n, m, out.options()); });
}

}  // namespace iolaus
