// More functions of one number, and predicates.
#include "autograd/ops/unary_common.h"

namespace iolaus {
namespace {

using detail::unary;

template <class Op> Tensor predicate(const Tensor& x) {
  Tensor out = detail::claim(Op::kName, x.sizes(), kBool, x.device());
  if (!out.defined()) {
    out = empty_strided(x.sizes(), empty_like(x).strides(), {.dtype = kBool, .device = x.device()});
  }
  detail::launch(Op{}, x.dtype(), out, Operand{&x});
  return out;
}

const bool kRegistered = detail::register_unary(ops::FunctionOps{});
const bool kBoxed =
    boxed("exp2(Tensor input) -> Tensor", exp2) && boxed("log2(Tensor input) -> Tensor", log2) &&
    boxed("log10(Tensor input) -> Tensor", log10) && boxed("tan(Tensor input) -> Tensor", tan) &&
    boxed("asin(Tensor input) -> Tensor", asin) && boxed("acos(Tensor input) -> Tensor", acos) &&
    boxed("atan(Tensor input) -> Tensor", atan) && boxed("sinh(Tensor input) -> Tensor", sinh) &&
    boxed("cosh(Tensor input) -> Tensor", cosh) && boxed("asinh(Tensor input) -> Tensor", asinh) &&
    boxed("acosh(Tensor input) -> Tensor", acosh) &&
    boxed("atanh(Tensor input) -> Tensor", atanh) && boxed("erfc(Tensor input) -> Tensor", erfc) &&
    boxed("frac(Tensor input) -> Tensor", frac) && boxed("isnan(Tensor input) -> Tensor", isnan) &&
    boxed("isinf(Tensor input) -> Tensor", isinf) &&
    boxed("isfinite(Tensor input) -> Tensor", isfinite) &&
    boxed("logical_not(Tensor input) -> Tensor", logical_not) &&
    boxed("bitwise_not(Tensor input) -> Tensor", bitwise_not);

}  // namespace

Tensor exp2(const Tensor& x) { return unary(ops::Exp2{}, x); }
Tensor log2(const Tensor& x) { return unary(ops::Log2{}, x); }
Tensor log10(const Tensor& x) { return unary(ops::Log10{}, x); }
Tensor tan(const Tensor& x) { return unary(ops::Tan{}, x); }
Tensor asin(const Tensor& x) { return unary(ops::Asin{}, x); }
Tensor acos(const Tensor& x) { return unary(ops::Acos{}, x); }
Tensor atan(const Tensor& x) { return unary(ops::Atan{}, x); }
Tensor sinh(const Tensor& x) { return unary(ops::Sinh{}, x); }
Tensor cosh(const Tensor& x) { return unary(ops::Cosh{}, x); }
Tensor asinh(const Tensor& x) { return unary(ops::Asinh{}, x); }
Tensor acosh(const Tensor& x) { return unary(ops::Acosh{}, x); }
Tensor atanh(const Tensor& x) { return unary(ops::Atanh{}, x); }
Tensor erfc(const Tensor& x) { return unary(ops::Erfc{}, x); }
Tensor frac(const Tensor& x) { return unary(ops::Frac{}, x); }
Tensor isnan(const Tensor& x) { return predicate<ops::IsNan>(x); }
Tensor isinf(const Tensor& x) { return predicate<ops::IsInf>(x); }
Tensor isfinite(const Tensor& x) { return predicate<ops::IsFinite>(x); }
Tensor logical_not(const Tensor& x) { return predicate<ops::LogicalNot>(x); }

Tensor bitwise_not(const Tensor& x) {
  IOLAUS_CHECK_CODE(!is_floating(x.dtype()), ErrorCode::kType,
                    "[bitwise_not] expected integers or bool, got {}", x.describe());
  return x.dtype() == kBool ? logical_not(x) : bitwise_xor(x, -1);
}

}  // namespace iolaus
