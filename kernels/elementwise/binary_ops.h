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
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a + b; }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return g; }
};
struct Sub : BinaryOp<SavesBinary::kNothing> {
  static constexpr const char* kName = "sub";
  static constexpr bool kTakesBool = false;
  template <class T> IOLAUS_HD T operator()(T a, T b) const { return a - b; }
  template <class V> V backward_a(const V& g, const V&, const V&) const { return g; }
  template <class V> V backward_b(const V& g, const V&, const V&) const { return -g; }
};
struct Mul : BinaryOp<SavesBinary::kBoth> {
  static constexpr const char* kName = "mul";
  template <class T> IOLAUS_HD T operator()(T a, T b) const {
    if constexpr (std::is_same_v<T, bool>) {
      return a && b;
    } else {
      return a * b;
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
      if (b % 2 != 0) result = static_cast<T>(result * base);
      base = static_cast<T>(base * base);
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

/// where(c, a, b) = c ? a : b, with c bool.
struct Where {
  static constexpr const char* kName = "where";
  template <class T> IOLAUS_HD T operator()(bool c, T a, T b) const { return c ? a : b; }
};

using BinaryOps = OpList<Add, Sub, Mul, Div, Pow, Maximum, Minimum>;
using CompareOps = OpList<Eq, Ne, Lt, Le, Gt, Ge, LogicalAnd, LogicalOr>;

}  // namespace iolaus::ops
