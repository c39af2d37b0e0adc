// The common unary ops. Each is one line below: its forward is the kernel of its functor; its
// backward is the fused kernel of the functor's derivative, or, with create_graph, the same formula
// on Tensors.
#include <cmath>
#include <limits>

#include "autograd/ops/unary_common.h"

namespace iolaus {
namespace {

using detail::unary;

const bool kRegistered = detail::register_unary(ops::UnaryOps{});
const bool kBoxed =
    boxed("neg(Tensor input) -> Tensor", neg) && boxed("abs(Tensor input) -> Tensor", abs) &&
    boxed("sign(Tensor input) -> Tensor", sign) &&
    boxed("square(Tensor input) -> Tensor", square) && boxed("exp(Tensor input) -> Tensor", exp) &&
    boxed("expm1(Tensor input) -> Tensor", expm1) && boxed("log(Tensor input) -> Tensor", log) &&
    boxed("log1p(Tensor input) -> Tensor", log1p) && boxed("sqrt(Tensor input) -> Tensor", sqrt) &&
    boxed("rsqrt(Tensor input) -> Tensor", rsqrt) &&
    boxed("reciprocal(Tensor input) -> Tensor", reciprocal) &&
    boxed("sin(Tensor input) -> Tensor", sin) && boxed("cos(Tensor input) -> Tensor", cos) &&
    boxed("tanh(Tensor input) -> Tensor", tanh) &&
    boxed("sigmoid(Tensor input) -> Tensor", sigmoid) &&
    boxed("erf(Tensor input) -> Tensor", erf) && boxed("floor(Tensor input) -> Tensor", floor) &&
    boxed("ceil(Tensor input) -> Tensor", ceil) && boxed("trunc(Tensor input) -> Tensor", trunc) &&
    boxed("round(Tensor input, *, int decimals=0) -> Tensor", round) &&
    boxed(
        "clamp(Tensor input, Scalar? min=None, Scalar? max=None) -> Tensor",
        +[](const Tensor& x, std::optional<Scalar> low, std::optional<Scalar> high) {
          return clamp(x, low, high);
        });

// Whole numbers are rounded already, unless it is to tens and hundreds.
Tensor round_decimals(const Tensor& x, int64_t decimals) {
  const double scale = std::pow(10.0, std::abs(static_cast<double>(decimals)));
  return decimals > 0 ? div(unary(ops::Round{}, mul(x, scale)), scale)
                      : mul(unary(ops::Round{}, div(x, scale)), scale);
}

}  // namespace

Tensor neg(const Tensor& x) { return unary(ops::Neg{}, x); }
Tensor abs(const Tensor& x) { return unary(ops::Abs{}, x); }
Tensor sign(const Tensor& x) { return x.dtype() == kBool ? clone(x) : unary(ops::Sign{}, x); }
Tensor square(const Tensor& x) {
  return x.dtype() == kBool ? to(x, kInt64) : unary(ops::Square{}, x);
}
Tensor exp(const Tensor& x) { return unary(ops::Exp{}, x); }
Tensor expm1(const Tensor& x) { return unary(ops::Expm1{}, x); }
Tensor log(const Tensor& x) { return unary(ops::Log{}, x); }
Tensor log1p(const Tensor& x) { return unary(ops::Log1p{}, x); }
Tensor sqrt(const Tensor& x) { return unary(ops::Sqrt{}, x); }
Tensor rsqrt(const Tensor& x) { return unary(ops::Rsqrt{}, x); }
Tensor reciprocal(const Tensor& x) { return unary(ops::Reciprocal{}, x); }
Tensor sin(const Tensor& x) { return unary(ops::Sin{}, x); }
Tensor cos(const Tensor& x) { return unary(ops::Cos{}, x); }
Tensor tanh(const Tensor& x) { return unary(ops::Tanh{}, x); }
Tensor sigmoid(const Tensor& x) { return unary(ops::Sigmoid{}, x); }
Tensor erf(const Tensor& x) { return unary(ops::Erf{}, x); }
Tensor floor(const Tensor& x) { return unary(ops::Floor{}, x); }
Tensor ceil(const Tensor& x) { return unary(ops::Ceil{}, x); }
Tensor trunc(const Tensor& x) { return unary(ops::Trunc{}, x); }

Tensor round(const Tensor& x, int64_t decimals) {
  if (decimals == 0) return unary(ops::Round{}, x);
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[round] expected a floating tensor for decimals={}, got {}", decimals,
                    x.describe());
  return round_decimals(x, decimals);
}

Tensor clamp(const Tensor& x, std::optional<Scalar> low, std::optional<Scalar> high) {
  IOLAUS_CHECK(low || high, "[clamp] expected a min or a max, got none");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto kind_of = [&](const std::optional<Scalar>& s) {
    return s ? result_type(x, *s) : x.dtype();
  };
  const Tensor input = to(x, promote_types(kind_of(low), kind_of(high)));
  const double from = low ? low->to<double>() : -kInfinity;
  const double until = high ? high->to<double>() : kInfinity;
  // Where the limits cross, PyTorch gives the upper one everywhere.
  return unary(ops::Clamp{{}, std::min(from, until), until}, input);
}

}  // namespace iolaus
