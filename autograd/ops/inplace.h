// In-place forms, PyTorch's trailing underscore: the op's result in x's own memory. They take x and
// the op's other arguments (exp_(x), add_(x, y, alpha), clamp_(x, 0, 1)) and return x.
//
// x keeps its dtype and shape: others broadcast to it, and the result is converted as PyTorch does
// (an int32 x takes an int64 result, but no floating one). With gradients the change is recorded:
// what was computed from x before keeps its graph, and a view's change reaches its base. Errors,
// all before x is changed and naming the form ("[exp_] ..."): kInvalidArgument for a leaf that
// requires a gradient (or a view of one), expanded memory, a result of another shape, and an input
// that shares some of x's elements in another order (x[1:] and x[:-1]; clone() it); kType for a
// result that x's dtype cannot hold; and those of the op. Autocast does not touch them.
//
// copy_, fill_ and zero_ are in copy.h, uniform_, normal_, bernoulli_ and others in random.h,
// index_put_ in index.h. How they are made: autograd/forms.h.
#pragma once

#include "autograd/forms.h"
#include "autograd/ops/activation.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/index.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/random.h"
#include "autograd/ops/scan.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/special.h"

namespace iolaus {

// Functions of one number.
inline constexpr auto abs_ = detail::in_place_of("abs", [](const auto&... v) { return abs(v...); });
inline constexpr auto neg_ = detail::in_place_of("neg", [](const auto&... v) { return neg(v...); });
inline constexpr auto sign_ =
    detail::in_place_of("sign", [](const auto&... v) { return sign(v...); });
inline constexpr auto square_ =
    detail::in_place_of("square", [](const auto&... v) { return square(v...); });
inline constexpr auto exp_ = detail::in_place_of("exp", [](const auto&... v) { return exp(v...); });
inline constexpr auto expm1_ =
    detail::in_place_of("expm1", [](const auto&... v) { return expm1(v...); });
inline constexpr auto exp2_ =
    detail::in_place_of("exp2", [](const auto&... v) { return exp2(v...); });
inline constexpr auto log_ = detail::in_place_of("log", [](const auto&... v) { return log(v...); });
inline constexpr auto log1p_ =
    detail::in_place_of("log1p", [](const auto&... v) { return log1p(v...); });
inline constexpr auto log2_ =
    detail::in_place_of("log2", [](const auto&... v) { return log2(v...); });
inline constexpr auto log10_ =
    detail::in_place_of("log10", [](const auto&... v) { return log10(v...); });
inline constexpr auto sqrt_ =
    detail::in_place_of("sqrt", [](const auto&... v) { return sqrt(v...); });
inline constexpr auto rsqrt_ =
    detail::in_place_of("rsqrt", [](const auto&... v) { return rsqrt(v...); });
inline constexpr auto reciprocal_ =
    detail::in_place_of("reciprocal", [](const auto&... v) { return reciprocal(v...); });
inline constexpr auto sin_ = detail::in_place_of("sin", [](const auto&... v) { return sin(v...); });
inline constexpr auto cos_ = detail::in_place_of("cos", [](const auto&... v) { return cos(v...); });
inline constexpr auto tan_ = detail::in_place_of("tan", [](const auto&... v) { return tan(v...); });
inline constexpr auto asin_ =
    detail::in_place_of("asin", [](const auto&... v) { return asin(v...); });
inline constexpr auto acos_ =
    detail::in_place_of("acos", [](const auto&... v) { return acos(v...); });
inline constexpr auto atan_ =
    detail::in_place_of("atan", [](const auto&... v) { return atan(v...); });
inline constexpr auto sinh_ =
    detail::in_place_of("sinh", [](const auto&... v) { return sinh(v...); });
inline constexpr auto cosh_ =
    detail::in_place_of("cosh", [](const auto&... v) { return cosh(v...); });
inline constexpr auto tanh_ =
    detail::in_place_of("tanh", [](const auto&... v) { return tanh(v...); });
inline constexpr auto asinh_ =
    detail::in_place_of("asinh", [](const auto&... v) { return asinh(v...); });
inline constexpr auto acosh_ =
    detail::in_place_of("acosh", [](const auto&... v) { return acosh(v...); });
inline constexpr auto atanh_ =
    detail::in_place_of("atanh", [](const auto&... v) { return atanh(v...); });
inline constexpr auto sigmoid_ =
    detail::in_place_of("sigmoid", [](const auto&... v) { return sigmoid(v...); });
inline constexpr auto erf_ = detail::in_place_of("erf", [](const auto&... v) { return erf(v...); });
inline constexpr auto erfc_ =
    detail::in_place_of("erfc", [](const auto&... v) { return erfc(v...); });
inline constexpr auto floor_ =
    detail::in_place_of("floor", [](const auto&... v) { return floor(v...); });
inline constexpr auto ceil_ =
    detail::in_place_of("ceil", [](const auto&... v) { return ceil(v...); });
inline constexpr auto trunc_ =
    detail::in_place_of("trunc", [](const auto&... v) { return trunc(v...); });
inline constexpr auto round_ =
    detail::in_place_of("round", [](const auto&... v) { return round(v...); });
inline constexpr auto frac_ =
    detail::in_place_of("frac", [](const auto&... v) { return frac(v...); });
inline constexpr auto sgn_ = detail::in_place_of("sgn", [](const auto&... v) { return sgn(v...); });
inline constexpr auto deg2rad_ =
    detail::in_place_of("deg2rad", [](const auto&... v) { return deg2rad(v...); });
inline constexpr auto rad2deg_ =
    detail::in_place_of("rad2deg", [](const auto&... v) { return rad2deg(v...); });
inline constexpr auto logit_ =
    detail::in_place_of("logit", [](const auto&... v) { return logit(v...); });
inline constexpr auto sinc_ =
    detail::in_place_of("sinc", [](const auto&... v) { return sinc(v...); });
inline constexpr auto nan_to_num_ =
    detail::in_place_of("nan_to_num", [](const auto&... v) { return nan_to_num(v...); });
inline constexpr auto logical_not_ =
    detail::in_place_of("logical_not", [](const auto&... v) { return logical_not(v...); });
inline constexpr auto bitwise_not_ =
    detail::in_place_of("bitwise_not", [](const auto&... v) { return bitwise_not(v...); });

// Activations: PyTorch's torch.nn.functional.silu(x, inplace=True).
inline constexpr auto relu_ =
    detail::in_place_of("relu", [](const auto&... v) { return relu(v...); });
inline constexpr auto relu6_ =
    detail::in_place_of("relu6", [](const auto&... v) { return relu6(v...); });
inline constexpr auto leaky_relu_ =
    detail::in_place_of("leaky_relu", [](const auto&... v) { return leaky_relu(v...); });
inline constexpr auto elu_ = detail::in_place_of("elu", [](const auto&... v) { return elu(v...); });
inline constexpr auto selu_ =
    detail::in_place_of("selu", [](const auto&... v) { return selu(v...); });
inline constexpr auto celu_ =
    detail::in_place_of("celu", [](const auto&... v) { return celu(v...); });
inline constexpr auto silu_ =
    detail::in_place_of("silu", [](const auto&... v) { return silu(v...); });
inline constexpr auto mish_ =
    detail::in_place_of("mish", [](const auto&... v) { return mish(v...); });
inline constexpr auto hardtanh_ =
    detail::in_place_of("hardtanh", [](const auto&... v) { return hardtanh(v...); });
inline constexpr auto hardsigmoid_ =
    detail::in_place_of("hardsigmoid", [](const auto&... v) { return hardsigmoid(v...); });
inline constexpr auto hardswish_ =
    detail::in_place_of("hardswish", [](const auto&... v) { return hardswish(v...); });
inline constexpr auto threshold_ =
    detail::in_place_of("threshold", [](const auto&... v) { return threshold(v...); });
inline constexpr auto dropout_ =
    detail::in_place_of("dropout", [](const auto&... v) { return dropout(v...); });

// With a tensor or a number: add_(x, y), add_(x, 2), add_(x, y, alpha).
inline constexpr auto add_ = detail::in_place_of("add", [](const auto&... v) { return add(v...); });
inline constexpr auto sub_ = detail::in_place_of("sub", [](const auto&... v) { return sub(v...); });
inline constexpr auto mul_ = detail::in_place_of("mul", [](const auto&... v) { return mul(v...); });
inline constexpr auto div_ = detail::in_place_of("div", [](const auto&... v) { return div(v...); });
inline constexpr auto floor_divide_ =
    detail::in_place_of("floor_divide", [](const auto&... v) { return floor_divide(v...); });
inline constexpr auto remainder_ =
    detail::in_place_of("remainder", [](const auto&... v) { return remainder(v...); });
inline constexpr auto fmod_ =
    detail::in_place_of("fmod", [](const auto&... v) { return fmod(v...); });
inline constexpr auto pow_ = detail::in_place_of("pow", [](const auto&... v) { return pow(v...); });
inline constexpr auto float_power_ =
    detail::in_place_of("float_power", [](const auto&... v) { return float_power(v...); });
inline constexpr auto atan2_ =
    detail::in_place_of("atan2", [](const auto&... v) { return atan2(v...); });
inline constexpr auto hypot_ =
    detail::in_place_of("hypot", [](const auto&... v) { return hypot(v...); });
inline constexpr auto copysign_ =
    detail::in_place_of("copysign", [](const auto&... v) { return copysign(v...); });
inline constexpr auto xlogy_ =
    detail::in_place_of("xlogy", [](const auto&... v) { return xlogy(v...); });
inline constexpr auto heaviside_ =
    detail::in_place_of("heaviside", [](const auto&... v) { return heaviside(v...); });
inline constexpr auto bitwise_and_ =
    detail::in_place_of("bitwise_and", [](const auto&... v) { return bitwise_and(v...); });
inline constexpr auto bitwise_or_ =
    detail::in_place_of("bitwise_or", [](const auto&... v) { return bitwise_or(v...); });
inline constexpr auto bitwise_xor_ =
    detail::in_place_of("bitwise_xor", [](const auto&... v) { return bitwise_xor(v...); });
inline constexpr auto logical_and_ =
    detail::in_place_of("logical_and", [](const auto&... v) { return logical_and(v...); });
inline constexpr auto logical_or_ =
    detail::in_place_of("logical_or", [](const auto&... v) { return logical_or(v...); });
inline constexpr auto logical_xor_ =
    detail::in_place_of("logical_xor", [](const auto&... v) { return logical_xor(v...); });

// Comparisons put 0 and 1 into x.
inline constexpr auto eq_ = detail::in_place_of("eq", [](const auto&... v) { return eq(v...); });
inline constexpr auto ne_ = detail::in_place_of("ne", [](const auto&... v) { return ne(v...); });
inline constexpr auto lt_ = detail::in_place_of("lt", [](const auto&... v) { return lt(v...); });
inline constexpr auto le_ = detail::in_place_of("le", [](const auto&... v) { return le(v...); });
inline constexpr auto gt_ = detail::in_place_of("gt", [](const auto&... v) { return gt(v...); });
inline constexpr auto ge_ = detail::in_place_of("ge", [](const auto&... v) { return ge(v...); });

// With two others, which may be numbers where the op takes numbers.
inline constexpr auto lerp_ =
    detail::in_place_of("lerp", [](const auto&... v) { return lerp(v...); });
inline constexpr auto addcmul_ =
    detail::in_place_of("addcmul", [](const auto&... v) { return addcmul(v...); });
inline constexpr auto addcdiv_ =
    detail::in_place_of("addcdiv", [](const auto&... v) { return addcdiv(v...); });
inline constexpr auto masked_fill_ =
    detail::in_place_of("masked_fill", [](const auto&... v) { return masked_fill(v...); });

/// Limits that may be missing, as those of clamp.
inline const Tensor& clamp_(const Tensor& x, std::optional<Scalar> low,
                            std::optional<Scalar> high) {
  static constexpr const OpForm* kForm = find_form("clamp");
  return detail::in_place(*kForm, x, [&](const Tensor& y) { return clamp(y, low, high); });
}
inline const Tensor& clamp_(const Tensor& x, const Tensor& low, const Tensor& high) {
  static constexpr const OpForm* kForm = find_form("clamp");
  return detail::in_place(
      *kForm, x,
      [](const Tensor& y, const Tensor& from, const Tensor& to) { return clamp(y, from, to); }, low,
      high);
}
inline const Tensor& clamp_min_(const Tensor& x, Scalar low) { return clamp_(x, low, {}); }
inline const Tensor& clamp_max_(const Tensor& x, Scalar high) { return clamp_(x, {}, high); }

// x = beta x + alpha a b, for matrices, batches and vectors.
inline constexpr auto addmm_ =
    detail::in_place_of("addmm", [](const auto&... v) { return addmm(v...); });
inline constexpr auto baddbmm_ =
    detail::in_place_of("baddbmm", [](const auto&... v) { return baddbmm(v...); });
inline constexpr auto addbmm_ =
    detail::in_place_of("addbmm", [](const auto&... v) { return addbmm(v...); });
inline constexpr auto addmv_ =
    detail::in_place_of("addmv", [](const auto&... v) { return addmv(v...); });
inline constexpr auto addr_ =
    detail::in_place_of("addr", [](const auto&... v) { return addr(v...); });

// Running sums and products, and triangles.
inline constexpr auto cumsum_ =
    detail::in_place_of("cumsum", [](const auto&... v) { return cumsum(v...); });
inline constexpr auto cumprod_ =
    detail::in_place_of("cumprod", [](const auto&... v) { return cumprod(v...); });
inline constexpr auto tril_ =
    detail::in_place_of("tril", [](const auto&... v) { return tril(v...); });
inline constexpr auto triu_ =
    detail::in_place_of("triu", [](const auto&... v) { return triu(v...); });

// By index: scatter_(x, dim, index, src).
inline constexpr auto scatter_ =
    detail::in_place_of("scatter", [](const auto&... v) { return scatter(v...); });
inline constexpr auto scatter_add_ =
    detail::in_place_of("scatter_add", [](const auto&... v) { return scatter_add(v...); });
inline constexpr auto scatter_reduce_ =
    detail::in_place_of("scatter_reduce", [](const auto&... v) { return scatter_reduce(v...); });
inline constexpr auto index_add_ =
    detail::in_place_of("index_add", [](const auto&... v) { return index_add(v...); });
inline constexpr auto index_copy_ =
    detail::in_place_of("index_copy", [](const auto&... v) { return index_copy(v...); });
inline constexpr auto index_fill_ =
    detail::in_place_of("index_fill", [](const auto&... v) { return index_fill(v...); });
inline constexpr auto masked_scatter_ =
    detail::in_place_of("masked_scatter", [](const auto&... v) { return masked_scatter(v...); });

inline const Tensor& operator+=(const Tensor& x, const Tensor& y) { return add_(x, y); }
inline const Tensor& operator+=(const Tensor& x, Scalar y) { return add_(x, y); }
inline const Tensor& operator-=(const Tensor& x, const Tensor& y) { return sub_(x, y); }
inline const Tensor& operator-=(const Tensor& x, Scalar y) { return sub_(x, y); }
inline const Tensor& operator*=(const Tensor& x, const Tensor& y) { return mul_(x, y); }
inline const Tensor& operator*=(const Tensor& x, Scalar y) { return mul_(x, y); }
inline const Tensor& operator/=(const Tensor& x, const Tensor& y) { return div_(x, y); }
inline const Tensor& operator/=(const Tensor& x, Scalar y) { return div_(x, y); }

/// The view's shape in x itself, whose memory and other views stay as they are. Errors: those of
/// the view; kInvalidArgument for a leaf that requires a gradient while gradients are recorded.
const Tensor& squeeze_(const Tensor& x);
const Tensor& squeeze_(const Tensor& x, int64_t dim);
const Tensor& unsqueeze_(const Tensor& x, int64_t dim);
const Tensor& transpose_(const Tensor& x, int64_t dim0, int64_t dim1);
const Tensor& t_(const Tensor& x);

}  // namespace iolaus
