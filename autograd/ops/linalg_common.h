// What the files of linear algebra share: checks, and matrices as LAPACK has them.
#pragma once

#include "autograd/ops/linalg.h"
#include "autograd/ops/view.h"

namespace iolaus::detail {

/// Errors: kInvalidArgument, naming op, unless a is a batch of matrices (square ones); kType.
void check_matrix(const char* op, const Tensor& a, bool square);

/// The transposed matrices.
inline Tensor mt(const Tensor& x) { return transpose(x, -1, -2); }
/// LAPACK computes on the host: matrices on CUDA go there and their factors come back.
Tensor on_host(const Tensor& x);

inline Dims batch_of(const Tensor& a) { return Dims(a.sizes().data(), a.sizes().size() - 2); }
Dims with_matrix(Dims batch, int64_t rows, int64_t columns);

/// A new column-major (B, columns, rows) copy of matrices, for LAPACK to work in.
Tensor columns_of(const Tensor& a);
/// And back: (B, columns, rows) as matrices with the given batch.
Tensor matrices_of(const Tensor& columns, const Dims& batch);

}  // namespace iolaus::detail
