// More functions of one number, beyond what networks are usually made of: bases 2 and 10,
// trigonometric and hyperbolic ones. Value and derivative side by side, as in unary_ops.h.
#pragma once

#include "kernels/elementwise/activation_ops.h"

namespace iolaus::ops {

inline constexpr double kLn2 = 0.69314718055994530942, kLn10 = 2.30258509299404568402;

struct Exp2 : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "exp2";
  template <class T> IOLAUS_HD T operator()(T x) const { return exp2(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * (y * Const<V>(kLn2)); }
};
struct Log2 : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "log2";
  static constexpr double kLow = 0.1, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return log2(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / (x * Const<V>(kLn2)); }
};
struct Log10 : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "log10";
  static constexpr double kLow = 0.1, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return log10(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / (x * Const<V>(kLn10)); }
};
struct Tan : UnaryOp<Saves::kOutput> {
  static constexpr const char* kName = "tan";
  static constexpr double kLow = -1.2, kHigh = 1.2;
  template <class T> IOLAUS_HD T operator()(T x) const { return tan(x); }
  template <class V> IOLAUS_HD V backward(V g, V y) const { return g * (1.0f + y * y); }
};
struct Asin : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "asin";
  static constexpr double kLow = -0.9, kHigh = 0.9;
  template <class T> IOLAUS_HD T operator()(T x) const { return asin(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * rsqrt(1.0f - x * x); }
};
struct Acos : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "acos";
  static constexpr double kLow = -0.9, kHigh = 0.9;
  template <class T> IOLAUS_HD T operator()(T x) const { return acos(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return -g * rsqrt(1.0f - x * x); }
};
struct Atan : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "atan";
  template <class T> IOLAUS_HD T operator()(T x) const { return atan(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / (1.0f + x * x); }
};
struct Sinh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "sinh";
  template <class T> IOLAUS_HD T operator()(T x) const { return sinh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * cosh(x); }
};
struct Cosh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "cosh";
  template <class T> IOLAUS_HD T operator()(T x) const { return cosh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * sinh(x); }
};
struct Asinh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "asinh";
  template <class T> IOLAUS_HD T operator()(T x) const { return asinh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * rsqrt(x * x + 1.0f); }
};
struct Acosh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "acosh";
  static constexpr double kLow = 1.2, kHigh = 9;
  template <class T> IOLAUS_HD T operator()(T x) const { return acosh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * rsqrt(x * x - 1.0f); }
};
struct Atanh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "atanh";
  static constexpr double kLow = -0.9, kHigh = 0.9;
  template <class T> IOLAUS_HD T operator()(T x) const { return atanh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g / (1.0f - x * x); }
};
struct Erfc : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "erfc";
  template <class T> IOLAUS_HD T operator()(T x) const { return erfc(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return Const<V>(-1.1283791670955126) * g * exp(-x * x);
  }
};
struct Frac : UnaryOp<Saves::kNothing> {
  static constexpr const char* kName = "frac";
  template <class T> IOLAUS_HD T operator()(T x) const { return x - trunc(x); }
  template <class V> IOLAUS_HD V backward(V g, V) const { return g; }
};

using FunctionOps =
    OpList<Exp2, Log2, Log10, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Erfc, Frac>;
using AllUnaryOps = decltype(join(join(UnaryOps{}, ActivationOps{}), FunctionOps{}));

}  // namespace iolaus::ops
