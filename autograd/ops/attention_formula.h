// Attention of (B, H, T, D) tensors as a formula in differentiable ops: for dropout, for masks that
// want a gradient, and for the gradient of the gradient. Everything of size (B, H, L, S) exists.
#pragma once

#include "core/tensor.h"

namespace iolaus::attention_formula {

struct Options {
  bool causal = false;
  double scale = 1, dropout_p = 0;
};

/// The result. mask may be undefined; k and v may have fewer heads.
Tensor forward(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
               const Options& options);

struct Gradients {
  Tensor dq, dk, dv;
};
/// Gradients for g, without dropout.
Gradients backward(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                   const Tensor& g, const Options& options);

}  // namespace iolaus::attention_formula
