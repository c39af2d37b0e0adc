// The two forms of GELU chosen at run time. Formulas: kernels/elementwise/activation_ops.h.
#pragma once

#include "kernels/elementwise/activation_ops.h"

namespace iolaus::ops {

template <class T> IOLAUS_HD inline T gelu_value(bool approximate, T x) {
  return approximate ? GeluTanh{}(x) : Gelu{}(x);
}
/// dL/dx from g = dL/dy.
template <class V> IOLAUS_HD inline V gelu_gradient(bool approximate, V g, V x) {
  return approximate ? GeluTanh{}.backward(g, x) : Gelu{}.backward(g, x);
}

}  // namespace iolaus::ops
