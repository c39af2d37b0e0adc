// Activations: value and derivative side by side, as in unary_ops.h. Parameters have PyTorch's
// names and defaults.
#pragma once

#include "kernels/elementwise/unary_ops.h"

namespace iolaus::ops {

struct Relu : UnaryOp<Saves::kOutput, Domain::kAny> {
  static constexpr const char* kName = "relu";
  // !(x < 0) keeps NaN, as PyTorch does.
  template <class T> IOLAUS_HD T operator()(T x) const { return x < T(0) ? T(0) : x; }
  template <class V> IOLAUS_HD V backward(V g, V y) const {
    return where(y > 0.0f, g, zeros_like(g));
  }
};
struct LeakyRelu : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "leaky_relu";
  double slope = 0.01;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T scaled = x * T(slope);
    return x > T(0) ? x : scaled;
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(x > 0.0f, g, g * Const<V>(slope));
  }
};
/// x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016).
struct Gelu : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "gelu";
  template <class T> IOLAUS_HD T operator()(T x) const { return gelu(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return g * (0.5f * (1.0f + erf(x * Const<V>(kSqrtHalf))) +
                x * (Const<V>(kInvSqrt2Pi) * exp(-0.5f * (x * x))));
  }
};
struct Silu : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "silu";
  template <class T> IOLAUS_HD T operator()(T x) const { return x * sigmoid(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return g * (sigmoid(x) * (1.0f + x * (1.0f - sigmoid(x))));
  }
};
/// The tanh form of gelu, as GPT-2 has it.
struct GeluTanh : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "gelu_tanh";
  static constexpr double kScale = 0.79788456080286535588, kCube = 0.044715;
  template <class T> IOLAUS_HD T operator()(T x) const {
    return T(0.5) * x * (T(1) + tanh(T(kScale) * (x + T(kCube) * x * x * x)));
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    const V t = tanh(Const<V>(kScale) * (x + Const<V>(kCube) * x * x * x));
    return g * (0.5f * (1.0f + t) + (0.5f * x) * (1.0f - t * t) *
                                        (Const<V>(kScale) * (1.0f + Const<V>(3 * kCube) * x * x)));
  }
};
/// scale max(0, x) + scale alpha (e^(input_scale x) - 1) below 0: elu, selu and celu.
struct Elu : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "elu";
  double alpha = 1, scale = 1, input_scale = 1;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T above = T(scale) * x, below = T(scale * alpha) * expm1(T(input_scale) * x);
    return x > T(0) ? above : below;
  }
  static constexpr int64_t kNearBlock = 64;
  static bool is_near(float x) { return x > 0.0f; }
  float near(float x) const { return static_cast<float>(scale) * x; }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(x > 0.0f, g * Const<V>(scale),
                 g * (Const<V>(scale * alpha * input_scale) * exp(x * Const<V>(input_scale))));
  }
};
/// ln(1 + e^(beta x)) / beta, without overflow; x itself where beta x > threshold.
struct Softplus : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "softplus";
  double beta = 1, threshold = 20;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T z = T(beta) * x;
    const T soft = ((z > T(0) ? z : T(0)) + log1p(exp(-abs(z)))) / T(beta);
    return z > T(threshold) ? x : soft;
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(x * Const<V>(beta) > Const<V>(threshold), g, g * sigmoid(x * Const<V>(beta)));
  }
};
/// x tanh(ln(1 + e^x)) (Misra 2019)
struct Mish : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "mish";
  template <class T> IOLAUS_HD T operator()(T x) const { return x * tanh(log1p(exp(x))); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    const V t = tanh(log1p(exp(x)));
    return g * (t + x * (1.0f - t * t) * sigmoid(x));
  }
};
/// As clamp, but no gradient passes at the limits.
struct Hardtanh : UnaryOp<Saves::kInput, Domain::kAny> {
  static constexpr const char* kName = "hardtanh";
  double low = -1, high = 1;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T least = saturate<T>(low), most = saturate<T>(high);
    return x < least ? least : (x > most ? most : x);
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where((x > Const<V>(low)) & (x < Const<V>(high)), g, zeros_like(g));
  }
};
struct Hardsigmoid : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "hardsigmoid";
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T y = x + T(3);
    return (y < T(0) ? T(0) : (y > T(6) ? T(6) : y)) / T(6);
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where((x > -3.0f) & (x < 3.0f), g * Const<V>(1.0 / 6), zeros_like(g));
  }
};
/// x hardsigmoid(x) (Howard et al. 2019)
struct Hardswish : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "hardswish";
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T y = x + T(3);
    return x * (y < T(0) ? T(0) : (y > T(6) ? T(6) : y)) / T(6);
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(x <= -3.0f, zeros_like(g), where(x < 3.0f, g * (x * Const<V>(1.0 / 3) + 0.5f), g));
  }
};
struct LogSigmoid : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "logsigmoid";
  template <class T> IOLAUS_HD T operator()(T x) const {
    return (x < T(0) ? x : T(0)) - log1p(exp(-abs(x)));
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * sigmoid(-x); }
};
struct Softsign : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "softsign";
  template <class T> IOLAUS_HD T operator()(T x) const { return x / (T(1) + abs(x)); }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return g / ((1.0f + abs(x)) * (1.0f + abs(x)));
  }
};
struct Tanhshrink : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "tanhshrink";
  template <class T> IOLAUS_HD T operator()(T x) const { return x - tanh(x); }
  template <class V> IOLAUS_HD V backward(V g, V x) const { return g * (tanh(x) * tanh(x)); }
};
struct Hardshrink : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "hardshrink";
  double lambda = 0.5;
  template <class T> IOLAUS_HD T operator()(T x) const {
    return x >= T(-lambda) && x <= T(lambda) ? T(0) : x;
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where((x >= Const<V>(-lambda)) & (x <= Const<V>(lambda)), zeros_like(g), g);
  }
};
struct Softshrink : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "softshrink";
  double lambda = 0.5;
  template <class T> IOLAUS_HD T operator()(T x) const {
    return x > T(lambda) ? x - T(lambda) : (x < T(-lambda) ? x + T(lambda) : x * T(0));
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where((x >= Const<V>(-lambda)) & (x <= Const<V>(lambda)), zeros_like(g), g);
  }
};
/// x where it is above the threshold, else value.
struct Threshold : UnaryOp<Saves::kInput, Domain::kAny> {
  static constexpr const char* kName = "threshold";
  double threshold = 0, value = 0;
  template <class T> IOLAUS_HD T operator()(T x) const { return x <= T(threshold) ? T(value) : x; }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(x <= Const<V>(threshold), zeros_like(g), g);
  }
};
/// scale times x^2 / 2 near zero, delta (|x| - delta / 2) further away: huber_loss, smooth_l1_loss.
struct Huber : UnaryOp<Saves::kInput> {
  static constexpr const char* kName = "huber";
  double delta = 1, scale = 1;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T size = abs(x);
    return T(scale) * (size < T(delta) ? T(0.5) * x * x : T(delta) * (size - T(0.5) * T(delta)));
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    return where(abs(x) < Const<V>(delta), g * (Const<V>(scale) * x),
                 g * (Const<V>(scale * delta) * sign(x)));
  }
};

using ActivationOps =
    OpList<Relu, LeakyRelu, Gelu, GeluTanh, Silu, Elu, Softplus, Mish, Hardtanh, Hardsigmoid,
           Hardswish, LogSigmoid, Softsign, Tanhshrink, Hardshrink, Softshrink, Threshold, Huber>;

}  // namespace iolaus::ops
