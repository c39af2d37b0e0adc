// The two forms of GELU, value and derivative side by side (Hendrycks and Gimpel 2016). As in
// kernels/elementwise/unary_ops.h, backward works on numbers and, for create_graph, on Tensors.
#pragma once

#include "kernels/elementwise/unary_ops.h"

namespace iolaus::ops {

/// x Phi(x) with Phi(x) = (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3), approximately.
struct GeluTanh {
  static constexpr double kSqrt2OverPi = 0.79788456080286535588, kCubic = 0.044715;
  template <class T> IOLAUS_HD T operator()(T x) const {
    const T u = T(kSqrt2OverPi) * (x + T(kCubic) * (x * x * x));
    return T(0.5) * x * (T(1) + tanh(u));
  }
  template <class V> IOLAUS_HD V backward(V g, V x) const {
    const V square = x * x;
    const V t = tanh(Const<V>(kSqrt2OverPi) * (x + Const<V>(kCubic) * (square * x)));
    const V slope = Const<V>(kSqrt2OverPi) * (1.0f + Const<V>(3 * kCubic) * square);
    return g * (0.5f * (1.0f + t) + (0.5f * x) * ((1.0f - t * t) * slope));
  }
};

template <class T> IOLAUS_HD inline T gelu_value(bool approximate, T x) {
  return approximate ? GeluTanh{}(x) : Gelu{}(x);
}
/// dL/dx from g = dL/dy.
template <class V> IOLAUS_HD inline V gelu_gradient(bool approximate, V g, V x) {
  return approximate ? GeluTanh{}.backward(g, x) : Gelu{}.backward(g, x);
}

}  // namespace iolaus::ops
