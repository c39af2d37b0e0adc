// LAPACK's factorisations on batches of matrices on the CPU. The library (OpenBLAS or the reference
// one) is loaded when it is first needed. Matrices are column-major, as Fortran has them: a
// contiguous row-major tensor is its own transpose here. All tensors are float32 or float64,
// contiguous, and changed in place where said.
#pragma once

#include "core/tensor.h"

namespace iolaus::lapack {

/// a (B, n, n), symmetric, becomes its factor: the columns' lower triangle (what is above is left).
/// Errors: kInvalidArgument, naming op and batch, where it is not positive definite.
void cholesky(const char* op, const Tensor& a);
/// b (B, k, n), columns, becomes a^-1 b; a (B, n, n) becomes its LU factors, pivots (B, n) int32.
/// Errors: kInvalidArgument where a is singular.
void solve(const char* op, const Tensor& a, const Tensor& pivots, const Tensor& b);
/// a (B, n, n) becomes its LU factors, pivots (B, n) int32; singular matrices are no error.
void lu(const Tensor& a, const Tensor& pivots);
/// a (B, n, m), columns of an m x n matrix, becomes R above Householder vectors; then q (B, k, m),
/// which holds them in its first columns, becomes the orthogonal factor's first k columns.
void qr(const Tensor& a, const Tensor& tau);
void form_q(const Tensor& q, const Tensor& tau);
/// a (B, n, m) = u s vt by divide and conquer: u (B, m or k, m), s (B, k), vt (B, n, n or k),
/// k = min(m, n), all column-major; a is destroyed. Errors: kInvalidArgument without convergence.
void svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt);
/// a (B, n, n), symmetric, of which the lower (or upper) triangle is read, becomes its
/// eigenvectors, as columns; values (B, n) in ascending order. Errors: kInvalidArgument without
/// convergence.
void eigh(const Tensor& a, const Tensor& values, bool lower);

}  // namespace iolaus::lapack
