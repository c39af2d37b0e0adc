// Products of matrices, differentiable, with PyTorch's names and rules.
#pragma once

#include "core/tensor.h"

namespace iolaus {

/// Dot product, matrix-vector, matrix-matrix or batched product with broadcast batch dimensions, by
/// the operands' ranks. Errors: kInvalidArgument where shapes do not fit.
Tensor matmul(const Tensor& a, const Tensor& b);
/// (M, K) (K, N) -> (M, N)
Tensor mm(const Tensor& a, const Tensor& b);
/// (B, M, K) (B, K, N) -> (B, M, N)
Tensor bmm(const Tensor& a, const Tensor& b);
/// x (..., in) weight (out, in) bias (out) or undefined -> x weight^T + bias (..., out)
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
/// beta c + alpha a b
Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);

}  // namespace iolaus
