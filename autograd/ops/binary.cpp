// Binary ops and comparisons. The gradients are the functors' formulas on Tensors, summed to
// the operands' shapes where broadcasting stretched them.
#include "autograd/autocast.h"
#include "autograd/ops/binary_common.h"
#include "autograd/ops/special.h"

namespace iolaus {
namespace {

using detail::binary;
using detail::compare;
using detail::Value;

template <class Op> bool register_binary() {
  return register_op({Op::kName, [] {
                        const auto fn = [](const Tensors& x) { return binary<Op>(x[0], x[1]); };
                        const auto input = [](const Dims& sizes, uint64_t seed,
                                              bool strided = false) {
                          return sample64(sizes, seed, Op::kLow, Op::kHigh, strided);
                        };
                        return std::vector<OpSample>{
                            {"dense", {input({3, 4}, 1), input({3, 4}, 2)}, fn},
                            {"strided", {input({3, 4}, 1, true), input({3, 4}, 2)}, fn},
                            {"row", {input({3, 4}, 1), input({4}, 2)}, fn},
                            {"column", {input({3, 1}, 1), input({3, 4}, 2)}, fn},
                            {"both", {input({2, 1, 4}, 1), input({3, 1}, 2)}, fn},
                            {"0-dim", {input({}, 1), input({3, 4}, 2)}, fn},
                            {"empty", {input({0, 4}, 1), input({4}, 2)}, fn},
                            {"number right",
                             {input({3, 4}, 1)},
                             [](const Tensors& x) { return binary<Op>(x[0], Scalar(2.5)); }},
                            {"number left", {input({3, 4}, 1)}, [](const Tensors& x) {
                               return binary<Op>(Scalar(2.5), x[0]);
                             }}};
                      }});
}
template <class... Ops> bool register_all(ops::OpList<Ops...>) {
  return (register_binary<Ops>() && ...);
}
const bool kBinary = register_all(ops::BinaryOps{});
using TT = Tensor (*)(const Tensor&, const Tensor&);
using TS = Tensor (*)(const Tensor&, Scalar);
using ST = Tensor (*)(Scalar, const Tensor&);

template <class Number>
Tensor with_alpha(const char* op, const Number& b, DType dtype, Scalar alpha) {
  IOLAUS_CHECK_CODE(is_floating(dtype) || !alpha.is_floating(), ErrorCode::kType,
                    "[{}] expected a whole alpha beside {}, got {}", op, dtype_name(dtype),
                    alpha.to<double>());
  IOLAUS_CHECK_CODE(dtype == kBool || alpha.dtype() != kBool, ErrorCode::kType,
                    "[{}] expected a number as alpha, got a bool", op);
  return mul(b, alpha);
}
bool is_one(Scalar alpha) { return alpha.to<double>() == 1; }
Scalar scaled(Scalar b, Scalar alpha) {
  if (is_one(alpha)) return b;
  if (b.is_floating() || alpha.is_floating()) return b.to<double>() * alpha.to<double>();
  return b.to<int64_t>() * alpha.to<int64_t>();
}

Tensor subtract(const Value& a, const Value& b) {
  for (const Value* v : {&a, &b}) {
    const DType dtype = v->tensor ? v->tensor->dtype() : v->number.dtype();
    IOLAUS_CHECK_CODE(dtype != kBool, ErrorCode::kType,
                      "[sub] does not support bool; use logical_xor, or convert with to()");
  }
  return binary<ops::Sub>(a, b);
}

// Integers divided by zero have no result. On CUDA nobody looks: it would wait for the device.
void check_divisor(const char* op, const Value& a, const Value& b) {
  if (is_floating(detail::common_dtype(a, b))) return;
  bool zero = b.tensor == nullptr && b.number.to<double>() == 0;
  if (b.tensor && b.tensor->device().is_cpu()) zero = any(eq(*b.tensor, 0)).item<bool>();
  IOLAUS_CHECK(!zero, "[{}] an integer is divided by zero", op);
}
template <class Op> Tensor divide(const Value& a, const Value& b) {
  check_divisor(Op::kName, a, b);
  return binary<Op>(a, b);
}
template <class Op> Tensor bitwise(const Value& a, const Value& b) {
  const DType dtype = detail::common_dtype(a, b);
  IOLAUS_CHECK_CODE(!is_floating(dtype), ErrorCode::kType, "[{}] expected integers or bool, got {}",
                    Op::kName, dtype_name(dtype));
  return detail::with_casts(a, b, dtype, [&](const Value& x, const Value& y) {
    const NoGrad no_grad;
    Tensor out = detail::empty_result(Op::kName, x, y, dtype);
    detail::launch(Op{}, dtype, out, detail::operand(x, dtype), detail::operand(y, dtype));
    return out;
  });
}

const bool kArithmetic =
    boxed(
        "add(Tensor input, Tensor other, *, Scalar alpha=1) -> Tensor",
        +[](const Tensor& a, const Tensor& b, Scalar alpha) { return add(a, b, alpha); }) &&
    boxed(
        "add(Tensor input, Scalar other, *, Scalar alpha=1) -> Tensor",
        +[](const Tensor& a, Scalar b, Scalar alpha) { return add(a, scaled(b, alpha)); }) &&
    boxed(
        "sub(Tensor input, Tensor other, *, Scalar alpha=1) -> Tensor",
        +[](const Tensor& a, const Tensor& b, Scalar alpha) { return sub(a, b, alpha); }) &&
    boxed(
        "sub(Tensor input, Scalar other, *, Scalar alpha=1) -> Tensor",
        +[](const Tensor& a, Scalar b, Scalar alpha) { return sub(a, scaled(b, alpha)); }) &&
    boxed("mul(Tensor input, Tensor other) -> Tensor", TT(mul)) &&
    boxed("mul(Tensor input, Scalar other) -> Tensor", TS(mul)) &&
    boxed(
        "div(Tensor input, Tensor other, *, str? rounding_mode=None) -> Tensor",
        +[](const Tensor& a, const Tensor& b, std::optional<std::string> mode) {
          return div(a, b, mode.value_or(""));
        }) &&
    boxed(
        "div(Tensor input, Scalar other, *, str? rounding_mode=None) -> Tensor",
        +[](const Tensor& a, Scalar b, std::optional<std::string> mode) {
          if (!mode) return div(a, b);
          return *mode == "floor" ? floor_divide(a, b) : divide<ops::TruncDivide>(a, b);
        }) &&
    boxed("floor_divide(Tensor input, Tensor other) -> Tensor", TT(floor_divide)) &&
    boxed("floor_divide(Tensor input, Scalar other) -> Tensor", TS(floor_divide)) &&
    boxed("remainder(Tensor input, Tensor other) -> Tensor", TT(remainder)) &&
    boxed("remainder(Tensor input, Scalar other) -> Tensor", TS(remainder)) &&
    boxed("remainder(Scalar input, Tensor other) -> Tensor", ST(remainder)) &&
    boxed("fmod(Tensor input, Tensor other) -> Tensor", TT(fmod)) &&
    boxed("fmod(Tensor input, Scalar other) -> Tensor", TS(fmod)) &&
    boxed("pow(Tensor input, Tensor exponent) -> Tensor", TT(pow)) &&
    boxed("pow(Tensor input, Scalar exponent) -> Tensor", TS(pow)) &&
    boxed("pow(Scalar input, Tensor exponent) -> Tensor", ST(pow)) &&
    boxed("atan2(Tensor input, Tensor other) -> Tensor", atan2) &&
    boxed("fmax(Tensor input, Tensor other) -> Tensor", fmax) &&
    boxed("fmin(Tensor input, Tensor other) -> Tensor", fmin) &&
    boxed("hypot(Tensor input, Tensor other) -> Tensor", hypot) &&
    boxed("copysign(Tensor input, Tensor other) -> Tensor", TT(copysign)) &&
    boxed("copysign(Tensor input, Scalar other) -> Tensor", TS(copysign)) &&
    boxed("xlogy(Tensor input, Tensor other) -> Tensor", TT(xlogy)) &&
    boxed("xlogy(Tensor input, Scalar other) -> Tensor", TS(xlogy)) &&
    boxed("xlogy(Scalar input, Tensor other) -> Tensor", ST(xlogy)) &&
    boxed("logaddexp(Tensor input, Tensor other) -> Tensor", logaddexp) &&
    boxed("maximum(Tensor input, Tensor other) -> Tensor", maximum) &&
    boxed("minimum(Tensor input, Tensor other) -> Tensor", minimum);
const bool kComparisons =
    boxed("eq(Tensor input, Tensor other) -> Tensor", TT(eq)) &&
    boxed("eq(Tensor input, Scalar other) -> Tensor", TS(eq)) &&
    boxed("ne(Tensor input, Tensor other) -> Tensor", TT(ne)) &&
    boxed("ne(Tensor input, Scalar other) -> Tensor", TS(ne)) &&
    boxed("lt(Tensor input, Tensor other) -> Tensor", TT(lt)) &&
    boxed("lt(Tensor input, Scalar other) -> Tensor", TS(lt)) &&
    boxed("le(Tensor input, Tensor other) -> Tensor", TT(le)) &&
    boxed("le(Tensor input, Scalar other) -> Tensor", TS(le)) &&
    boxed("gt(Tensor input, Tensor other) -> Tensor", TT(gt)) &&
    boxed("gt(Tensor input, Scalar other) -> Tensor", TS(gt)) &&
    boxed("ge(Tensor input, Tensor other) -> Tensor", TT(ge)) &&
    boxed("ge(Tensor input, Scalar other) -> Tensor", TS(ge)) &&
    boxed("bitwise_and(Tensor input, Tensor other) -> Tensor", TT(bitwise_and)) &&
    boxed("bitwise_and(Tensor input, Scalar other) -> Tensor", TS(bitwise_and)) &&
    boxed("bitwise_or(Tensor input, Tensor other) -> Tensor", TT(bitwise_or)) &&
    boxed("bitwise_or(Tensor input, Scalar other) -> Tensor", TS(bitwise_or)) &&
    boxed("bitwise_xor(Tensor input, Tensor other) -> Tensor", TT(bitwise_xor)) &&
    boxed("bitwise_xor(Tensor input, Scalar other) -> Tensor", TS(bitwise_xor)) &&
    boxed("logical_and(Tensor input, Tensor other) -> Tensor", logical_and) &&
    boxed("logical_or(Tensor input, Tensor other) -> Tensor", logical_or) &&
    boxed("logical_xor(Tensor input, Tensor other) -> Tensor", logical_xor);

}  // namespace

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return a.dtype();
  if ((a.dim() == 0) == (b.dim() == 0)) return promote_types(a.dtype(), b.dtype());
  return a.dim() == 0 ? detail::combine(b.dtype(), a.dtype())
                      : detail::combine(a.dtype(), b.dtype());
}

DType result_type(const Tensor& a, Scalar b) {
  const DType number = b.is_floating() ? kFloat32 : b.dtype();  // the default dtype of its kind
  return detail::combine(a.dtype(), number);
}

Tensor add(const Tensor& a, const Tensor& b) { return binary<ops::Add>(a, b); }
Tensor add(const Tensor& a, Scalar b) { return binary<ops::Add>(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return subtract(a, b); }
Tensor sub(const Tensor& a, Scalar b) { return subtract(a, b); }
Tensor sub(Scalar a, const Tensor& b) { return subtract(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return binary<ops::Mul>(a, b); }
Tensor mul(const Tensor& a, Scalar b) { return binary<ops::Mul>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return binary<ops::Div>(a, b); }
Tensor div(const Tensor& a, Scalar b) { return binary<ops::Div>(a, b); }
Tensor div(Scalar a, const Tensor& b) { return binary<ops::Div>(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) {
  if (autocast::on()) return autocast::call("pow", binary<ops::Pow>, a, b);
  return binary<ops::Pow>(a, b);
}
Tensor pow(const Tensor& a, Scalar b) {
  if (autocast::on()) {
    return autocast::call(
        "pow", [b](const Tensor& x) { return pow(x, b); }, a);
  }
  if (a.dtype() == kBool && b.dtype() == kBool) return b.to<bool>() ? clone(a) : ones_like(a);
  const bool integers = !is_floating(a.dtype()) && !b.is_floating();
  IOLAUS_CHECK(!integers || b.to<int64_t>() >= 0,
               "[pow] integers have no negative powers; got {} and exponent {}", a.describe(),
               b.to<int64_t>());
  if (is_floating(a.dtype()) && b.to<double>() == 2) return square(a);
  return binary<ops::Pow>(a, b);
}
Tensor pow(Scalar a, const Tensor& b) {
  if (autocast::on()) return autocast::call("pow", binary<ops::Pow>, a, b);
  return binary<ops::Pow>(a, b);
}
Tensor add(const Tensor& a, const Tensor& b, Scalar alpha) {
  return is_one(alpha) ? add(a, b) : add(a, with_alpha("add", b, result_type(a, b), alpha));
}
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha) {
  return is_one(alpha) ? sub(a, b) : sub(a, with_alpha("sub", b, result_type(a, b), alpha));
}
Tensor div(const Tensor& a, const Tensor& b, const std::string& rounding_mode) {
  if (rounding_mode.empty()) return div(a, b);
  IOLAUS_CHECK(rounding_mode == "floor" || rounding_mode == "trunc",
               "[div] expected rounding_mode None, 'floor' or 'trunc', got '{}'", rounding_mode);
  return rounding_mode == "floor" ? floor_divide(a, b) : divide<ops::TruncDivide>(a, b);
}
Tensor floor_divide(const Tensor& a, const Tensor& b) { return divide<ops::FloorDivide>(a, b); }
Tensor floor_divide(const Tensor& a, Scalar b) { return divide<ops::FloorDivide>(a, b); }
Tensor remainder(const Tensor& a, const Tensor& b) { return divide<ops::Remainder>(a, b); }
Tensor remainder(const Tensor& a, Scalar b) { return divide<ops::Remainder>(a, b); }
Tensor remainder(Scalar a, const Tensor& b) { return divide<ops::Remainder>(a, b); }
Tensor fmod(const Tensor& a, const Tensor& b) { return divide<ops::Fmod>(a, b); }
Tensor fmod(const Tensor& a, Scalar b) { return divide<ops::Fmod>(a, b); }
Tensor atan2(const Tensor& a, const Tensor& b) {
  if (autocast::on()) return autocast::call("atan2", binary<ops::Atan2>, a, b);
  return binary<ops::Atan2>(a, b);
}
Tensor bitwise_and(const Tensor& a, const Tensor& b) { return bitwise<ops::BitwiseAnd>(a, b); }
Tensor bitwise_and(const Tensor& a, Scalar b) { return bitwise<ops::BitwiseAnd>(a, b); }
Tensor bitwise_or(const Tensor& a, const Tensor& b) { return bitwise<ops::BitwiseOr>(a, b); }
Tensor bitwise_or(const Tensor& a, Scalar b) { return bitwise<ops::BitwiseOr>(a, b); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b) { return bitwise<ops::BitwiseXor>(a, b); }
Tensor bitwise_xor(const Tensor& a, Scalar b) { return bitwise<ops::BitwiseXor>(a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return compare<ops::LogicalXor>(a, b); }
Tensor fmax(const Tensor& a, const Tensor& b) { return binary<ops::FMax>(a, b); }
Tensor fmin(const Tensor& a, const Tensor& b) { return binary<ops::FMin>(a, b); }
Tensor hypot(const Tensor& a, const Tensor& b) { return binary<ops::Hypot>(a, b); }
Tensor copysign(const Tensor& a, const Tensor& b) { return binary<ops::Copysign>(a, b); }
Tensor copysign(const Tensor& a, Scalar b) { return binary<ops::Copysign>(a, b); }
Tensor xlogy(const Tensor& a, const Tensor& b) { return binary<ops::Xlogy>(a, b); }
Tensor xlogy(const Tensor& a, Scalar b) { return binary<ops::Xlogy>(a, b); }
Tensor xlogy(Scalar a, const Tensor& b) { return binary<ops::Xlogy>(a, b); }
Tensor logaddexp(const Tensor& a, const Tensor& b) { return binary<ops::Logaddexp>(a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return binary<ops::Maximum>(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return binary<ops::Minimum>(a, b); }

Tensor eq(const Tensor& a, const Tensor& b) { return compare<ops::Eq>(a, b); }
Tensor eq(const Tensor& a, Scalar b) { return compare<ops::Eq>(a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare<ops::Ne>(a, b); }
Tensor ne(const Tensor& a, Scalar b) { return compare<ops::Ne>(a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare<ops::Lt>(a, b); }
Tensor lt(const Tensor& a, Scalar b) { return compare<ops::Lt>(a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare<ops::Le>(a, b); }
Tensor le(const Tensor& a, Scalar b) { return compare<ops::Le>(a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare<ops::Gt>(a, b); }
Tensor gt(const Tensor& a, Scalar b) { return compare<ops::Gt>(a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare<ops::Ge>(a, b); }
Tensor ge(const Tensor& a, Scalar b) { return compare<ops::Ge>(a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return compare<ops::LogicalAnd>(a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return compare<ops::LogicalOr>(a, b); }

}  // namespace iolaus
