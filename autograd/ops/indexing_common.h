// What the files of indexing share: the checks, and tensors as the kernels see them, (O, n, I).
#pragma once

#include "autograd/ops/indexing.h"
#include "kernels/indexing/indexing.h"

namespace iolaus::detail {

/// The index as int64. Errors: kType unless it is int32 or int64; kInvalidArgument on another
/// device than x.
Tensor int64_index(const char* op, const Tensor& x, const Tensor& index);
/// index has x's rank (0 counts as 1) and is no larger than x but for dim. Errors:
/// kInvalidArgument.
void check_index_shape(const char* op, const Tensor& x, int dim, const Tensor& index);
/// src is of x's dtype and device and no smaller than index. Errors: kType, kInvalidArgument.
void check_src(const char* op, const Tensor& x, const Tensor& index, const Tensor& src);
/// The part of src that the index reaches, with its gradient; checks it.
Tensor reached(const char* op, const Tensor& x, const Tensor& index, const Tensor& src);
/// (O, n, I): the size of dim and the products of those before and after it; and x in this shape, a
/// view where its strides allow.
Dims three_sizes(const Tensor& x, int dim);
Tensor as_three(const Tensor& x, int dim);
/// A view of x's first elements: these sizes, but for dim.
Tensor narrow_to(const Tensor& x, const Dims& sizes, int dim);
/// A vector of indices as an index (O, m, I) that repeats it.
Tensor repeat_index(const Tensor& index, const Dims& outer_and_inner);

/// Without gradients: a copy of x into which src, of the index's shape, went by index.
Tensor scatter_into_copy(const char* op, const Tensor& x, int dim, const Tensor& index,
                         const Tensor& src, ScatterReduce reduce, bool include_self = true);

}  // namespace iolaus::detail
