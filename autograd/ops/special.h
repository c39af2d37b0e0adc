// The rarer elementwise functions, differentiable, with PyTorch's names and the rules of
// elementwise.h. Those with a kernel come first (binary.cpp), then those that are a line or two of
// others (special.cpp). 16-bit floats are rounded once, at the end.
#pragma once

#include <optional>

#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

/// maximum and minimum that leave NaN out.
Tensor fmax(const Tensor& a, const Tensor& b);
Tensor fmin(const Tensor& a, const Tensor& b);
/// sqrt(a^2 + b^2); |a| with b's sign; a ln b (0 where a is 0); ln(e^a + e^b).
Tensor hypot(const Tensor& a, const Tensor& b);
Tensor copysign(const Tensor& a, const Tensor& b);
Tensor copysign(const Tensor& a, Scalar b);
Tensor xlogy(const Tensor& a, const Tensor& b);
Tensor xlogy(const Tensor& a, Scalar b);
Tensor xlogy(Scalar a, const Tensor& b);
Tensor logaddexp(const Tensor& a, const Tensor& b);

/// The sign, as sign.
Tensor sgn(const Tensor& x);
/// bool, without gradients: a sign bit is set (also of -0), infinite and positive or negative.
Tensor signbit(const Tensor& x);
Tensor isposinf(const Tensor& x);
Tensor isneginf(const Tensor& x);
/// ln(x / (1 - x)), of x limited to [eps, 1 - eps] where eps is given.
Tensor logit(const Tensor& x, std::optional<double> eps = {});
/// sin(pi x) / (pi x), and 1 at 0.
Tensor sinc(const Tensor& x);
/// NaN, inf and -inf replaced; by 0 and the largest and smallest finite number of the dtype where
/// nothing is given.
Tensor nan_to_num(const Tensor& x, std::optional<double> nan = {},
                  std::optional<double> posinf = {}, std::optional<double> neginf = {});
/// 0 for x < 0, 1 for x > 0, values where x is 0; without gradients. Errors: kType where the dtypes
/// differ.
Tensor heaviside(const Tensor& x, const Tensor& values);
/// log2(2^a + 2^b), without overflow.
Tensor logaddexp2(const Tensor& a, const Tensor& b);
/// Degrees to radians, and back.
Tensor deg2rad(const Tensor& x);
Tensor rad2deg(const Tensor& x);
/// pow in float64.
Tensor float_power(const Tensor& x, const Tensor& exponent);
Tensor float_power(const Tensor& x, Scalar exponent);
Tensor float_power(Scalar x, const Tensor& exponent);
/// |a - b| <= atol + rtol |b|, elementwise; bool. NaN is close to NaN where equal_nan. Errors:
/// kType where the dtypes differ, kInvalidArgument for negative tolerances.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);
/// Whether shapes and all elements are the same.
bool equal(const Tensor& a, const Tensor& b);
/// Whether each element is one of test; bool.
Tensor isin(const Tensor& x, const Tensor& test, bool invert = false);

}  // namespace iolaus
