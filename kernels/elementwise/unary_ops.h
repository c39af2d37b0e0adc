// The unary operations: value and derivative side by side, one struct each, shared by CPU and CUDA.
//
// operator() gives y = f(x). backward gives dL/dx from g = dL/dy and what kSaves names, x or y. It
// is a template because it serves twice: on numbers it is the fused backward kernel; on Tensors it
// is the differentiable form that create_graph needs. kLow and kHigh bound the samples of the
// checks. near, where there is one, is operator() without branches for the numbers of is_near: the
// CPU vectorises it, for as many at once as kNearBlock says, if that is there.
#pragma once

#include "kernels/elementwise/math.h"

namespace iolaus::ops {

using namespace math;  // NOLINT: the formulas below read as mathematics

/// What the backward pass needs.
enum class Saves { kNothing, kInput, kOutput };
/// Types that an operation takes: kFloat turns integers into float32 first; kBits has no floats.
enum class Domain { kAny, kFloat, kBits };

template <Saves saves, Domain domain = Domain::kFloat> struct UnaryOp {
  static constexpr Saves kSaves = saves;
  static constexpr Domain kDomain = domain;
  static constexpr double kLow = -3, kHigh = 3;
};
/// Sums, differences and products whose integers wrap around, as PyTorch's do. (The overflow of
/// signed integers is undefined in C++, that of unsigned ones is not.)
template <class T> IOLAUS_HD inline T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}
template <class T> IOLAUS_HD inline T wrapping_sub(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}
template <class T> IOLAUS_HD inline T wrapping_mul(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}
/// The type of a constant beside a V: float stays in float, double and Tensor take a double.
template <class V> using Const = std::conditional_t<std::is_same_v<V, float>, float, double>;
inline constexpr double kSqrtHalf = 0.70710678118654752440;
inline constexpr double kInvSqrt2Pi = 0.39894228040143267794;

struct Neg : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "neg";
  template <class T> IOLAUS_HD T operator()(T x) const { return wrapping_sub(T(0), x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return -g; }
};
struct Abs : UnaryOp<Saves::kInput, Domain::kAny> {
  static constexpr const char* kName = "abs";
  template <class T> IOLAUS_HD T operator()(T x) const { return abs(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * sign(x); }
};
struct Sign : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "sign";
  template <class T> IOLAUS_HD T operator()(T x) const { return sign(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return zeros_like(g); }
};
struct Square : UnaryOp<Saves::kInput, Domain::kAny> {
  static constexpr const char* kName = "square";
  template <class T> IOLAUS_HD T operator()(T x) const { return wrapping_mul(x, x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * (2.0f * x); }
};
struct Exp : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "exp";
  template <class T> IOLAUS_HD T operator()(T x) const { return exp(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * y; }
};
struct Expm1 : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "expm1";
  template <class T> IOLAUS_HD T operator()(T x) const { return expm1(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * (y + 1.0f); }
};
struct Log : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "log";
  static constexpr double kLow = 0.1, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return log(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / x; }
};
struct Log1p : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "log1p";
  static constexpr double kLow = -0.8, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return log1p(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / (x + 1.0f); }
};
struct Sqrt : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "sqrt";
  static constexpr double kLow = 0.2, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return sqrt(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g / (2.0f * y); }
};
struct Rsqrt : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "rsqrt";
  static constexpr double kLow = 0.2, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return rsqrt(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return -0.5f * g * y * y * y; }
};
struct Reciprocal : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "reciprocal";
  static constexpr double kLow = 0.2, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return T(1) / x; }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return -g * y * y; }
};
struct Sin : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "sin";
  template <class T> IOLAUS_HD T operator()(T x) const { return sin(x); }
  static bool is_near(float x) { return angle_is_near(x); }
  static float near(float x) { return sin_near(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * cos(x); }
};
struct Cos : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "cos";
  template <class T> IOLAUS_HD T operator()(T x) const { return cos(x); }
  static bool is_near(float x) { return angle_is_near(x); }
  static float near(float x) { return cos_near(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return -g * sin(x); }
};
struct Tanh : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "tanh";
  template <class T> IOLAUS_HD T operator()(T x) const { return tanh(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * (1.0f - y * y); }
};
struct Sigmoid : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "sigmoid";
  template <class T> IOLAUS_HD T operator()(T x) const { return sigmoid(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * (y * (1.0f - y)); }
};
struct Erf : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "erf";
  template <class T> IOLAUS_HD T operator()(T x) const { return erf(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return Const<V>(1.1283791670955126) * g * exp(-x * x);
  }
};
struct Floor : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "floor";
  template <class T> IOLAUS_HD T operator()(T x) const { return floor(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return zeros_like(g); }
};
struct Ceil : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "ceil";
  template <class T> IOLAUS_HD T operator()(T x) const { return ceil(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return zeros_like(g); }
};
/// Halves go to the even neighbour.
struct Round : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "round";
  template <class T> IOLAUS_HD T operator()(T x) const { return round_even(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return zeros_like(g); }
};
struct Trunc : UnaryOp<Saves::kNothing, Domain::kAny> {
  static constexpr const char* kName = "trunc";
  template <class T> IOLAUS_HD T operator()(T x) const { return trunc(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return zeros_like(g); }
};
/// min(max(x, low), high); the gradient passes where low <= x <= high.
struct Clamp : UnaryOp<Saves::kInput, Domain::kAny> {
  static constexpr const char* kName = "clamp";
  double low = -1, high = 1;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T least = saturate<T>(low), most = saturate<T>(high);
    return x < least ? least : (x > most ? most : x);
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where((x >= Const<V>(low)) & (x <= Const<V>(high)), g, zeros_like(g));
  }
};

template <class... Ops> struct OpList {};
template <class... A, class... B> OpList<A..., B...> join(OpList<A...>, OpList<B...>);

using UnaryOps = OpList<Neg, Abs, Sign, Square, Exp, Expm1, Log, Log1p, Sqrt, Rsqrt, Reciprocal,
                        Sin, Cos, Tanh, Sigmoid, Erf, Floor, Ceil, Round, Trunc, Clamp>;

}  // namespace iolaus::ops
