// Factorisations of batches of matrices, by the library of the device that they are on: LAPACK on
// the CPU, cuSOLVER on CUDA. Where cuSOLVER is not there, and for qr, svd and eigh of many tiny
// matrices, which it does one by one, matrices on CUDA go to LAPACK on the host and come back.
// `kernels.linalg` of a config chooses one of the two for all.
// Matrices are column-major, as Fortran has them: a contiguous row-major tensor is its own
// transpose here. All tensors of a call are of one dtype (float32 or float64) and device,
// contiguous, and changed in place where said; those without elements are left as they are. op is
// the name that errors begin with. On CUDA each call waits for its results' state, so a CUDA graph
// cannot hold it. Errors: kInvalidArgument, for sizes of 2^31 and more too; kUnsupported where no
// library is there.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace iolaus::linalg {

/// a (B, n, n), symmetric, becomes its factor: the columns' lower triangle (what is above counts
/// for nothing). Errors: kInvalidArgument with the matrix that is not positive definite.
void cholesky(const char* op, const Tensor& a);
/// b (B, k, n), columns, becomes a^-1 b; a (B, n, n) becomes its LU factors, pivots (B, n) int32.
/// Errors: kInvalidArgument with the matrix that is singular.
void solve(const char* op, const Tensor& a, const Tensor& pivots, const Tensor& b);
/// a (B, n, n) becomes its LU factors, pivots (B, n) int32 from 1; singular matrices are no error.
void lu(const char* op, const Tensor& a, const Tensor& pivots);
/// a (B, n, m), columns of an m x n matrix, becomes R above Householder vectors, whose factors are
/// tau (B, min(m, n)); then q (B, k, m), k <= m, which holds the vectors in its first columns,
/// becomes the orthogonal factor's first k columns.
void qr(const char* op, const Tensor& a, const Tensor& tau);
void form_q(const char* op, const Tensor& q, const Tensor& tau);
/// a (B, n, m) = u s vt: u (B, m or k, m), s (B, k), descending, vt (B, n, n or k), k = min(m, n),
/// all column-major; a is destroyed. Errors: kInvalidArgument without convergence.
void svd(const char* op, const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt);
/// a (B, n, n), symmetric, of which the lower (or upper) triangle is read, becomes its
/// eigenvectors, as columns; values (B, n) in ascending order. Errors: kInvalidArgument without
/// convergence.
void eigh(const char* op, const Tensor& a, const Tensor& values, bool lower);

/// For each matrix of a batch what LAPACK calls info: 0 where all is well.
using Infos = std::vector<int>;

/// What a library offers; arguments as above, none empty.
struct Library {
  Infos (*cholesky)(const Tensor& a);
  Infos (*solve)(const Tensor& a, const Tensor& pivots, const Tensor& b);
  Infos (*lu)(const Tensor& a, const Tensor& pivots);
  Infos (*qr)(const Tensor& a, const Tensor& tau);
  Infos (*form_q)(const Tensor& q, const Tensor& tau);
  Infos (*svd)(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vt);
  Infos (*eigh)(const Tensor& a, const Tensor& values, bool lower);
  /// Why it cannot be used, or "". Loads it at the first call.
  const std::string& (*problem)();
};
/// Called by kernels/linalg/cusolver while the program starts.
void register_cuda_library(const Library& library);

/// What computes for matrices on CUDA: "cusolver", "lapack" (on the host), or "": cuSOLVER where it
/// is there and suits, else LAPACK.
/// Errors: kNotFound for another name; kUnsupported where it is not there.
void select_for_cuda(const std::string& name);
/// What that comes to now: "cusolver" or "lapack".
std::string selected_for_cuda();

}  // namespace iolaus::linalg
