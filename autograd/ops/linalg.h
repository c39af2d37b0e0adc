// Factorisations and linear equations, differentiable, with the names and rules of torch.linalg.
// Matrices are the last two dimensions, what is before them is a batch; float32 and float64. LAPACK
// computes on the CPU, cuSOLVER on CUDA; where that is missing, LAPACK on copies (kernels/linalg).
// Errors: kType, kInvalidArgument for shapes and for matrices that have no such factors;
// kUnsupported where LAPACK is missing.
#pragma once

#include <string>
#include <tuple>

#include "core/tensor.h"

namespace iolaus {

/// a = l l^T with l lower triangular (or u^T u where upper), for a symmetric positive definite.
Tensor cholesky(const Tensor& a, bool upper = false);
/// x with a x = b (x a = b where not left); b is a vector for each matrix, or a matrix.
Tensor solve(const Tensor& a, const Tensor& b, bool left = true);
/// The same where only the upper (or lower) triangle of a counts, with ones on the diagonal where
/// unitriangular.
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true,
                        bool unitriangular = false);
Tensor inv(const Tensor& a);
Tensor det(const Tensor& a);
/// a = q r; mode "reduced", "complete" or "r" (q is then empty).
std::pair<Tensor, Tensor> qr(const Tensor& a, const std::string& mode = "reduced");
/// a = u diag(s) vh, s in descending order. Gradients of u and vh are right up to their signs, and
/// where the values of s are apart.
std::tuple<Tensor, Tensor, Tensor> svd(const Tensor& a, bool full_matrices = true);
Tensor svdvals(const Tensor& a);
/// a = v diag(w) v^T of symmetric matrices, of which the lower ("L") or upper ("U") triangle is
/// read; w in ascending order. Gradients are symmetric, right up to the signs of v, and where the
/// values of w are apart.
std::pair<Tensor, Tensor> eigh(const Tensor& a, const std::string& uplo = "L");
Tensor eigvalsh(const Tensor& a, const std::string& uplo = "L");
/// The sign of the determinant, and ln |determinant|: 0 and -inf of a singular matrix.
std::pair<Tensor, Tensor> slogdet(const Tensor& a);
/// ln of the determinant; NaN where that is negative.
Tensor logdet(const Tensor& a);
/// a^n by squaring; of the inverse where n is negative.
Tensor matrix_power(const Tensor& a, int64_t n);

}  // namespace iolaus
