// Elementwise functions made of the basic ones: nothing here has a kernel or a derivative of its
// own. Where a formula has a hole (0 / 0), the argument is replaced before the formula, so that the
// gradient has no NaN there either.
#include "autograd/ops/special.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/sets.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

constexpr double kPi = std::numbers::pi;

Tensor real(const Tensor& x) { return is_floating(x.dtype()) ? widened(x) : to(x, kFloat32); }
// In the dtype that x asks for.
Tensor rounded(const Tensor& out, const Tensor& x) {
  return is_short_float(x) ? to(out, x.dtype()) : out;
}

// The largest finite number.
double largest(DType dtype) {
  if (dtype == kFloat16) return 65504;
  if (dtype == kBFloat16) return std::ldexp(255.0, 120);
  if (dtype == kFloat32) return std::numeric_limits<float>::max();
  return std::numeric_limits<double>::max();
}

using TensorTensor = Tensor (*)(const Tensor&, const Tensor&);
using TensorScalar = Tensor (*)(const Tensor&, Scalar);
using ScalarTensor = Tensor (*)(Scalar, const Tensor&);

const bool kBoxed =
    boxed("sgn(Tensor input) -> Tensor", sgn) &&
    boxed("signbit(Tensor input) -> Tensor", signbit) &&
    boxed("isposinf(Tensor input) -> Tensor", isposinf) &&
    boxed("isneginf(Tensor input) -> Tensor", isneginf) &&
    boxed("logit(Tensor input, float? eps=None) -> Tensor", logit) &&
    boxed("sinc(Tensor input) -> Tensor", sinc) &&
    boxed(
        "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None) -> "
        "Tensor",
        nan_to_num) &&
    boxed("heaviside(Tensor input, Tensor values) -> Tensor", heaviside) &&
    boxed("logaddexp2(Tensor input, Tensor other) -> Tensor", logaddexp2) &&
    boxed("deg2rad(Tensor input) -> Tensor", deg2rad) &&
    boxed("rad2deg(Tensor input) -> Tensor", rad2deg) &&
    boxed("float_power(Tensor input, Tensor exponent) -> Tensor",
          static_cast<TensorTensor>(float_power)) &&
    boxed("float_power(Tensor input, Scalar exponent) -> Tensor",
          static_cast<TensorScalar>(float_power)) &&
    boxed("float_power(Scalar input, Tensor exponent) -> Tensor",
          static_cast<ScalarTensor>(float_power));

const bool kTests =
    boxed(
        "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, "
        "bool equal_nan=False) -> Tensor",
        isclose) &&
    boxed(
        "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, "
        "bool invert=False) -> Tensor",
        +[](const Tensor& x, const Tensor& test, bool, bool invert) {
          return isin(x, test, invert);
        }) &&
    boxed(
        "isin(Tensor elements, Scalar test_element, *, bool assume_unique=False, "
        "bool invert=False) -> Tensor",
        +[](const Tensor& x, Scalar test, bool, bool invert) {
          return invert ? ne(x, test) : eq(x, test);
        }) &&
    boxed(
        "isin(Scalar element, Tensor test_elements, *, bool assume_unique=False, "
        "bool invert=False) -> Tensor",
        +[](Scalar x, const Tensor& test, bool, bool invert) {
          const TensorOptions options{.dtype = result_type(test, x), .device = test.device()};
          return isin(scalar_tensor(x, options), test, invert);
        });

bool add_sample(const char* op, double low, double high, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{{"sample",
                                                      {sample64({3, 4}, 1, low, high)},
                                                      [fn](const Tensors& x) { return fn(x[0]); }}};
                      }});
}
const bool kSamples =
    add_sample("logit", 0.1, 0.9, [](const Tensor& x) { return logit(x); }) &&
    add_sample("logit_eps", 0.1, 0.9, [](const Tensor& x) { return logit(x, 0.2); }) &&
    add_sample("sinc", 0.2, 2, sinc) &&
    add_sample("nan_to_num", -1, 1, [](const Tensor& x) { return nan_to_num(x); }) &&
    add_sample("deg2rad", -9, 9, deg2rad) && add_sample("rad2deg", -1, 1, rad2deg) &&
    add_sample("float_power", 0.5, 2, [](const Tensor& x) { return float_power(x, 1.5); }) &&
    register_op({"logaddexp2", [] {
                   return std::vector<OpSample>{
                       {"broadcast",
                        {sample64({3, 1}, 1, -2, 2), sample64({4}, 2, -2, 2)},
                        [](const Tensors& x) { return logaddexp2(x[0], x[1]); }}};
                 }});

}  // namespace

Tensor sgn(const Tensor& x) { return sign(x); }

Tensor signbit(const Tensor& x) {
  const NoGrad no_grad;
  if (x.dtype() == kBool) return zeros_like(x);
  return lt(is_floating(x.dtype()) ? copysign(ones_like(x), x) : x, 0);
}

Tensor isposinf(const Tensor& x) { return logical_and(isinf(x), gt(x, 0)); }
Tensor isneginf(const Tensor& x) { return logical_and(isinf(x), lt(x, 0)); }

Tensor logit(const Tensor& x, std::optional<double> eps) {
  Tensor p = real(x);
  if (eps) {  // the lower limit goes first where eps is above one half
    const Tensor below = where(gt(p, 1 - *eps), 1 - *eps, p);
    p = where(lt(p, *eps), *eps, below);
  }
  return rounded(log(div(p, sub(1, p))), x);
}

Tensor sinc(const Tensor& x) {
  const Tensor angle = mul(real(x), kPi);
  const Tensor zero = eq(angle, 0), safe = where(zero, 1, angle);
  return rounded(where(zero, 1, div(sin(safe), safe)), x);
}

Tensor nan_to_num(const Tensor& x, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  if (!is_floating(x.dtype())) return clone(x);
  const double most = largest(x.dtype());
  const Tensor numbers = where(isnan(x), nan.value_or(0), x);
  const Tensor below = where(isposinf(x), posinf.value_or(most), numbers);
  return where(isneginf(x), neginf.value_or(-most), below);
}

Tensor heaviside(const Tensor& x, const Tensor& values) {
  const NoGrad no_grad;
  IOLAUS_CHECK_CODE(x.dtype() == values.dtype(), ErrorCode::kType,
                    "[heaviside] expected operands of one dtype, got {} and {}", x.describe(),
                    values.describe());
  return where(eq(x, 0), values, to(gt(x, 0), x.dtype()));
}

Tensor logaddexp2(const Tensor& a, const Tensor& b) {
  const DType dtype = result_type(a, b);
  IOLAUS_CHECK_CODE(is_floating(dtype), ErrorCode::kType,
                    "[logaddexp2] expected floating tensors, got {} and {}", a.describe(),
                    b.describe());
  const Tensor x = widened(to(a, dtype)), y = widened(to(b, dtype));
  const Tensor most = maximum(x, y);
  const Tensor same = logical_and(eq(x, y), isinf(x));  // whose difference is NaN
  const Tensor apart = where(same, 0, abs(sub(x, y)));
  const Tensor more = mul(log1p(exp2(neg(apart))), std::numbers::log2e);
  return to(where(same, most, add(most, more)), dtype);
}

Tensor deg2rad(const Tensor& x) { return mul(x, kPi / 180); }
Tensor rad2deg(const Tensor& x) { return mul(x, 180 / kPi); }

Tensor float_power(const Tensor& x, const Tensor& exponent) {
  return pow(to(x, kFloat64), to(exponent, kFloat64));
}
Tensor float_power(const Tensor& x, Scalar exponent) { return pow(to(x, kFloat64), exponent); }
Tensor float_power(Scalar x, const Tensor& exponent) { return pow(x, to(exponent, kFloat64)); }

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  const NoGrad no_grad;
  IOLAUS_CHECK_CODE(a.dtype() == b.dtype(), ErrorCode::kType,
                    "[isclose] expected operands of one dtype, got {} and {}", a.describe(),
                    b.describe());
  IOLAUS_CHECK(rtol >= 0 && atol >= 0, "[isclose] expected rtol and atol >= 0, got {} and {}", rtol,
               atol);
  Tensor close = eq(a, b);
  if (equal_nan && is_floating(a.dtype())) {
    close = logical_or(close, logical_and(isnan(a), isnan(b)));
  }
  if (rtol == 0 && atol == 0) return close;
  const Tensor x = is_floating(a.dtype()) ? a : to(a, kFloat64);
  const Tensor y = is_floating(b.dtype()) ? b : to(b, kFloat64);
  const Tensor distance = abs(sub(x, y)), allowed = add(abs(mul(y, rtol)), atol);
  return logical_or(close, logical_and(isfinite(distance), le(distance, allowed)));
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return all(isclose(a, b, rtol, atol, equal_nan)).item<bool>();
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() && all(eq(a, b)).item<bool>();
}

Tensor isin(const Tensor& x, const Tensor& test, bool invert) {
  const NoGrad no_grad;
  const DType dtype = promote_types(x.dtype(), test.dtype());
  const Tensor elements = to(x, dtype);
  if (test.numel() == 0) return full(x.sizes(), invert, {.dtype = kBool, .device = x.device()});
  const Tensor sorted = sort(reshape(to(test, dtype), {-1}), 0).first;
  const Tensor flat = reshape(elements, {-1});
  const Tensor place = clamp(searchsorted(sorted, flat), {}, Scalar(sorted.numel() - 1));
  const Tensor found = reshape(eq(index_select(sorted, 0, place), flat), x.sizes());
  return invert ? logical_not(found) : found;
}

}  // namespace iolaus
