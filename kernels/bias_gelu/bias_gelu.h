// bias_gelu: what stands between the two products of a transformer's feed-forward part, in one pass
// over memory. With z = x + bias, bias for each of the D last elements:
//   forward   out = gelu(z)                           x (rows, D), bias (D)
//   backward  dx = g gelu'(z),  dbias = sum over rows of dx
// gelu(z) = z Phi(z), Phi the normal distribution function, or its approximation by tanh (gelu.h).
// z is not stored: the backward adds x and bias again.
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

/// x (..., D) contiguous, bias (D) -> out like x. All of one dtype.
struct BiasGelu {
  Tensor x, bias, out;
  bool approximate = false;  // by tanh

  DType dtype() const { return x.dtype(); }
  Device device() const { return x.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("bias", bias, Role::kIn), v("out", out, Role::kOut);
  }
};

/// g, x (..., D) contiguous, bias (D) -> dx like x, and dbias (D) or undefined.
struct BiasGeluBackward {
  Tensor g, x, bias, dx, dbias;
  bool approximate = false;

  DType dtype() const { return g.dtype(); }
  Device device() const { return g.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return x.numel() / std::max<int64_t>(bias.numel(), 1); }
  template <class V> void visit(V&& v) {
    v("g", g, Role::kIn), v("x", x, Role::kIn), v("bias", bias, Role::kIn);
    v("dx", dx, Role::kOut), v("dbias", dbias, Role::kOut);
  }
};

KernelSet<BiasGelu>& bias_gelu_kernels();
KernelSet<BiasGeluBackward>& bias_gelu_backward_kernels();

}  // namespace iolaus
