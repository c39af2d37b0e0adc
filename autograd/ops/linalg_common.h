// What the files of linear algebra share: checks, and matrices as kernels/linalg has them.
#pragma once

#include "autograd/ops/linalg.h"
#include "autograd/ops/view.h"

namespace iolaus::detail {

/// Errors: kInvalidArgument, naming op, unless a is a batch of matrices (square ones); kType.
void check_matrix(const char* op, const Tensor& a, bool square);

/// The transposed matrices.
inline Tensor mt(const Tensor& x) { return transpose(x, -1, -2); }

inline Dims batch_of(const Tensor& a) { return Dims(a.sizes().data(), a.sizes().size() - 2); }
Dims with_matrix(Dims batch, int64_t rows, int64_t columns);

/// A new column-major (B, columns, rows) copy of matrices, to factorise in place.
Tensor columns_of(const Tensor& a);
/// And back: (B, columns, rows) as matrices with the given batch.
Tensor matrices_of(const Tensor& columns, const Dims& batch);
/// Room for the pivots of square columns: (B, n) int32.
Tensor pivots_for(const Tensor& columns);
/// How many rows each LU factorisation swapped: (B).
Tensor count_swaps(const Tensor& pivots);

}  // namespace iolaus::detail
