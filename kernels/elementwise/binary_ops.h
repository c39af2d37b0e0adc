// Binary and ternary operations: value and derivatives side by side, shared by CPU and CUDA.
// backward_a and backward_b give the gradients of the first and second operand from g, a, b; as in
// unary_ops.h they serve on numbers and on Tensors. Comparisons give bool and have no gradient.
#pragma once

#include "kernels/elementwise/unary_ops.h"

namespace iolaus::ops {

/// What backward needs of (a, b), so that nothing else is kept alive.
enum class SavesBinary { kNothing, kBoth };

template <SavesBinary saves, Domain domain = Domain::kAny> struct BinaryOp {
  static constexpr bool kBinary = true;
  static constexpr SavesBinary kSaves = saves;
  static constexpr Domain kDomain = domain;
  static constexpr bool kTakesBool = true;  // as 0 and 1; the result is != 0
  static constexpr double kLow = 0.5, kHigh = 4;
};

struct Add : BinaryOp<SavesBinary::kNothing> {
  static constexpr const char* kName = "add";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return wrapping_add(a, b); }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return g; }
};
struct Sub : BinaryOp<SavesBinary::kNothing> {
  static constexpr const char* kName = "sub";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return wrapping_sub(a, b); }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return -g; }
};
struct Mul : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "mul";
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>) {
      return a && b;
    } else {
      return wrapping_mul(a, b);
    }
  }
  template <class V> V backward_a(const V& g, const V&, const V& b) const { return g * b; }
  template <class V> V backward_b(const V& g, const V& a, const V&) const { return g * a; }
};
struct Div : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "div";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a / b; }
  template <class V> V backward_a(const V& g, const V&, const V& b) const { return g / b; }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return -g * (a / b) / b;
  }
};
struct Pow : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "pow";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return integer_power(a, b);
    } else {
      return pow(a, b);
    }
  }
  // 0 where b = 0, so that 0^0 has the gradient 0 and not NaN.
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(b == 0.0f, zeros_like(g), g * (b * pow(a, b - 1.0f)));
  }
  // 0 where a = 0 and b >= 0, the limit of a^b ln a.
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return where((a == 0.0f) & (b >= 0.0f), zeros_like(g), g * (pow(a, b) * log(a)));
  }
  // Square and multiply; a negative exponent leaves 1/a^|b| rounded to zero, as in PyTorch.
  template <class T> IOLAUS_HD static T integer_power(T a, T b) {
    if (b < T(0)) return a == T(1) ? T(1) : (a == T(-1) ? (b % 2 == 0 ? T(1) : T(-1)) : T(0));
    T result = T(1);
    for (T base = a; b > T(0); b = static_cast<T>(b / 2)) {
      if (b % 2 != 0) result = wrapping_mul(result, base);
      base = wrapping_mul(base, base);
    }
    return result;
  }
};
// At a tie both operands get half of the gradient, as in PyTorch. NaN wins.
struct Maximum : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "maximum";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a > b || a != a ? a : b; }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a == b, 0.5f * g, where(a > b, g, zeros_like(g)));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return where(a == b, 0.5f * g, where(b > a, g, zeros_like(g)));
  }
};
struct Minimum : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "minimum";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a < b || a != a ? a : b; }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a == b, 0.5f * g, where(a < b, g, zeros_like(g)));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return where(a == b, 0.5f * g, where(b < a, g, zeros_like(g)));
  }
};

// Rounded quotients and their remainders. An integer divided by zero is an error of the op; here it
// gives 0, so that no kernel traps. In floating point a / b is exact where b is not finite or 0.
template <class T> IOLAUS_HD inline bool cannot_divide(T a, T b) {
  return b == T(0) || (std::is_signed_v<T> && b == T(-1) && a == std::numeric_limits<T>::min());
}
/// The quotient rounded towards minus infinity. (Python's //; the float form is CPython's)
struct FloorDivide : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "floor_divide";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (cannot_divide(a, b)) return b == T(0) ? T(0) : wrapping_sub(T(0), a);
      const T quotient = static_cast<T>(a / b);
      return a % b != 0 && (a < T(0)) != (b < T(0)) ? static_cast<T>(quotient - 1) : quotient;
    } else {
      return b == T(0) ? a / b : quotient(a, b, fmod(a, b));
    }
  }
  static bool is_near(float a, float b) { return fmod_is_near(a, b); }
  static float near(float a, float b) { return quotient(a, b, fmod_near(a, b)); }
  template <class T> IOLAUS_HD static T quotient(T a, T b, T rest) {
    const T cut = (a - rest) / b;
    const bool above = (rest != T(0)) & ((b < T(0)) != (rest < T(0)));
    const T exact = above ? cut - T(1) : cut;
    const T whole = floor(exact), rounded = exact - whole > T(0.5) ? whole + T(1) : whole;
    return exact == T(0) ? std::copysign(T(0), a / b) : rounded;
  }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return zeros_like(g); }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return zeros_like(g); }
};
/// The quotient rounded towards zero.
struct TruncDivide : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "trunc_divide";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (cannot_divide(a, b)) return b == T(0) ? T(0) : wrapping_sub(T(0), a);
      return static_cast<T>(a / b);
    } else {
      return trunc(a / b);
    }
  }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return zeros_like(g); }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return zeros_like(g); }
};
/// a - b floor(a / b): the sign of b. (Python's %)
struct Remainder : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "remainder";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (cannot_divide(a, b)) return T(0);
      const T rest = static_cast<T>(a % b);
      return rest != 0 && (rest < T(0)) != (b < T(0)) ? static_cast<T>(rest + b) : rest;
    } else {
      return with_sign_of(b, fmod(a, b));
    }
  }
  static bool is_near(float a, float b) { return fmod_is_near(a, b); }
  static float near(float a, float b) { return with_sign_of(b, fmod_near(a, b)); }
  template <class T> IOLAUS_HD static T with_sign_of(T b, T rest) {
    return (rest != T(0)) & ((b < T(0)) != (rest < T(0))) ? rest + b : rest;
  }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return -g * floor_divide(a, b);
  }
};
/// a - b trunc(a / b): the sign of a. (C's fmod)
struct Fmod : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "fmod";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return cannot_divide(a, b) ? T(0) : static_cast<T>(a % b);
    } else {
      return fmod(a, b);
    }
  }
  static bool is_near(float a, float b) { return fmod_is_near(a, b); }
  static float near(float a, float b) { return fmod_near(a, b); }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return -g * trunc(a / b);
  }
};
struct Atan2 : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "atan2";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return atan2(a, b); }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return g * (b / (a * a + b * b));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return -g * (a / (a * a + b * b));
  }
};

/// a where it is positive, else a times the slope b: prelu's formula (He et al. 2015).
struct Prelu : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "prelu";
  static constexpr double kLow = -3, kHigh = 3;
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a > T(0) ? a : a * b; }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a > 0.0f, g, g * b);
  }
  template <class V> V backward_b(const V& g, const V& a, const V&) const {
    return where(a > 0.0f, zeros_like(g), g * a);
  }
};

// As maximum and minimum, but NaN loses.
struct FMax : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "fmax";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a != a ? b : (b > a ? b : a); }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a == b, g * 0.5f, where((a > b) | isnan(b), g, zeros_like(g)));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return where(a == b, g * 0.5f, where((a > b) | isnan(b), zeros_like(g), g));
  }
};
struct FMin : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "fmin";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a != a ? b : (b < a ? b : a); }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a == b, g * 0.5f, where((a < b) | isnan(b), g, zeros_like(g)));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return where(a == b, g * 0.5f, where((a < b) | isnan(b), zeros_like(g), g));
  }
};
struct Hypot : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "hypot";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return std::hypot(a, b); }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return g * (a / hypot(a, b));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return g * (b / hypot(a, b));
  }
};
/// |a| with b's sign.
struct Copysign : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "copysign";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return std::copysign(a, b); }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where(a == 0.0f, zeros_like(g), g * (copysign(a, b) / a));
  }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return zeros_like(g); }
};
/// a ln b, which is 0 where a is, unless b is NaN.
struct Xlogy : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "xlogy";
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    return b != b ? b : (a == T(0) ? T(0) : a * log(b));
  }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return where((a == 0.0f) & (b <= 0.0f), zeros_like(g), g * log(b));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const { return g * (a / b); }
};
/// ln(e^a + e^b), without overflow.
struct Logaddexp : BinaryOp<SavesBinary::kBoth, Domain::kFloat> {
  static constexpr const char* kName = "logaddexp";
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if (a == b && !is_finite(a)) return a;
    const T most = a > b ? a : b;
    return most + log1p(exp(-abs(a - b)));
  }
  template <class V> V backward_a(const V& g, const V& a, const V& b) const {
    return g / (1.0f + exp(b - a));
  }
  template <class V> V backward_b(const V& g, const V& a, const V& b) const {
    return g / (1.0f + exp(a - b));
  }
};

/// Bit by bit, for integers and bool; without gradients.
struct BitwiseOp {
  static constexpr Domain kDomain = Domain::kBits;
  static constexpr bool kTakesBool = true;
  static constexpr bool kBinary = true;
  static constexpr double kLow = 0, kHigh = 100;
};
struct BitwiseAnd : BitwiseOp {
  static constexpr const char* kName = "bitwise_and";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return static_cast<T>(a & b); }
};
struct BitwiseOr : BitwiseOp {
  static constexpr const char* kName = "bitwise_or";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return static_cast<T>(a | b); }
};
struct BitwiseXor : BitwiseOp {
  static constexpr const char* kName = "bitwise_xor";
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return static_cast<T>(a ^ b); }
};

/// Of one number to bool, without a gradient.
struct PredicateOp {
  static constexpr Domain kDomain = Domain::kAny;
  static constexpr double kLow = -2, kHigh = 3;
};
struct IsNan : PredicateOp {
  static constexpr const char* kName = "isnan";
  template <class T> IOLAUS_HD bool operator()(T x) const { return x != x; }
};
struct IsInf : PredicateOp {
  static constexpr const char* kName = "isinf";
  template <class T> IOLAUS_HD bool operator()(T x) const { return x == x && !is_finite(x); }
};
struct IsFinite : PredicateOp {
  static constexpr const char* kName = "isfinite";
  template <class T> IOLAUS_HD bool operator()(T x) const { return is_finite(x); }
};
struct LogicalNot : PredicateOp {
  static constexpr const char* kName = "logical_not";
  template <class T> IOLAUS_HD bool operator()(T x) const { return x == T(0); }
};

struct CompareOp {
  static constexpr Domain kDomain = Domain::kAny;
  static constexpr double kLow = -2, kHigh = 3;
};
struct Eq : CompareOp {
  static constexpr const char* kName = "eq";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a == b; }
};
struct Ne : CompareOp {
  static constexpr const char* kName = "ne";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a != b; }
};
struct Lt : CompareOp {
  static constexpr const char* kName = "lt";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a < b; }
};
struct Le : CompareOp {
  static constexpr const char* kName = "le";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a <= b; }
};
struct Gt : CompareOp {
  static constexpr const char* kName = "gt";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a > b; }
};
struct Ge : CompareOp {
  static constexpr const char* kName = "ge";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a >= b; }
};
struct LogicalAnd : CompareOp {
  static constexpr const char* kName = "logical_and";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a != T(0) && b != T(0); }
};
struct LogicalOr : CompareOp {
  static constexpr const char* kName = "logical_or";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const { return a != T(0) || b != T(0); }
};
struct LogicalXor : CompareOp {
  static constexpr const char* kName = "logical_xor";
  template <class T> IOLAUS_HD bool operator()(T a, T b) const {
    return (a != T(0)) != (b != T(0));
  }
};

struct TernaryOp {
  static constexpr bool kTernary = true;
  static constexpr Domain kDomain = Domain::kAny;
  static constexpr double kLow = 0.5, kHigh = 3;
};
/// a + value b c
struct Addcmul : TernaryOp {
  static constexpr const char* kName = "addcmul";
  double value = 1;
  template <class T> IOLAUS_HD T operator()(T a, T b, T c) const {
    // Rounded once after the product, so that the bits do not depend on what a compiler fuses.
    if constexpr (std::is_floating_point_v<T>) return std::fma(T(value) * b, c, a);
    return wrapping_add(a, wrapping_mul(wrapping_mul(T(value), b), c));
  }
};
/// a + value b / c
struct Addcdiv : TernaryOp {
  static constexpr const char* kName = "addcdiv";
  static constexpr Domain kDomain = Domain::kFloat;
  double value = 1;
  template <class T> IOLAUS_HD T operator()(T a, T b, T c) const { return a + T(value) * b / c; }
};
/// a + w (b - a), from the nearer end, so that w = 1 gives b itself.
struct Lerp : TernaryOp {
  static constexpr const char* kName = "lerp";
  static constexpr Domain kDomain = Domain::kFloat;
  template <class T> IOLAUS_HD T operator()(T a, T b, T w) const {
    const bool near_a = (w < T(0) ? -w : w) < T(0.5);
    return near_a ? a + w * (b - a) : b - (b - a) * (T(1) - w);
  }
};

/// where(c, a, b) = c ? a : b, with c bool.
struct Where {
  static constexpr const char* kName = "where";
  template <class T> IOLAUS_HD T operator()(bool c, T a, T b) const { return c ? a : b; }
};

using BinaryOps =
    OpList<Add, Sub, Mul, Div, Pow, Maximum, Minimum, FloorDivide, TruncDivide, Remainder, Fmod,
           Atan2, Prelu, FMax, FMin, Hypot, Copysign, Xlogy, Logaddexp>;
using BitwiseOps = OpList<BitwiseAnd, BitwiseOr, BitwiseXor>;
using PredicateOps = OpList<IsNan, IsInf, IsFinite, LogicalNot>;
using CompareOps = OpList<Eq, Ne, Lt, Le, Gt, Ge, LogicalAnd, LogicalOr, LogicalXor>;
using TernaryOps = OpList<Addcmul, Addcdiv, Lerp>;

}  // namespace iolaus::ops
