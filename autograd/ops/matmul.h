// Products of matrices, differentiable, with PyTorch's names and rules.
#pragma once

#include <string>

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
/// beta c + alpha a b, for matrices and for batches of them; c broadcasts.
Tensor baddbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1,
               double alpha = 1);
Tensor addbmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
Tensor addmv(const Tensor& c, const Tensor& a, const Tensor& x, double beta = 1, double alpha = 1);
Tensor addr(const Tensor& c, const Tensor& x, const Tensor& y, double beta = 1, double alpha = 1);
/// x y, x y^T, and a x.
Tensor dot(const Tensor& x, const Tensor& y);
Tensor outer(const Tensor& x, const Tensor& y);
Tensor mv(const Tensor& a, const Tensor& x);
/// Sums of products over the last dimensions.
Tensor inner(const Tensor& a, const Tensor& b);
/// Sums of products over dimensions of a and b that belong together, in order; then a's other
/// dimensions, then b's. The last n of a and the first n of b in the second form.
Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& dims_a, const Dims& dims_b);
Tensor tensordot(const Tensor& a, const Tensor& b, int64_t n = 2);
/// x1 a x2 + bias for each matrix of weight (O, I, J): x1 (..., I), x2 (..., J) -> (..., O).
Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias = {});
/// The vector product of three-dimensional vectors along dim.
Tensor cross(const Tensor& a, const Tensor& b, int64_t dim = -1);
/// The sum of the diagonal.
Tensor trace(const Tensor& a);
/// Sums of products by Einstein's convention: einsum("bij,bjk->bik", {a, b}). Letters, "..." and
/// repeated letters (diagonals); operands are multiplied from left to right.
/// Errors: kInvalidArgument, with the equation.
Tensor einsum(const std::string& equation, const Tensors& operands);
/// beta c + alpha a b
Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);

}  // namespace iolaus
