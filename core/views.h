// views: new geometry over the same storage, without gradients. Kernels and the differentiable
// ops of autograd/ops.h (which have the same names in namespace iolaus) are made of these.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus::views {

/// Any geometry. offset is in elements from the storage's start. Errors: kInvalidArgument where it
/// reaches outside of the storage.
Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset);
/// The index-th slice of dimension dim, which disappears. Errors: kIndex.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
/// Elements start, start + step, ... below end of dimension dim; start and end clamp as in Python.
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step = 1);
/// length elements from start. Errors: kIndex where they are not there.
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& x, const Dims& dims);
/// Sizes of 1 repeat without copying (stride 0); -1 keeps a size.
Tensor expand(const Tensor& x, const Dims& sizes);
/// Another shape of the same elements (one -1 is inferred). Errors: kInvalidArgument where the
/// strides do not allow it without a copy.
Tensor view(const Tensor& x, const Dims& sizes);
/// The same, or nothing where it needs a copy. sizes must be complete (see infer_sizes).
std::optional<Tensor> try_view(const Tensor& x, const Dims& sizes);
/// Fills in one -1. Errors: kInvalidArgument where the number of elements does not fit.
Dims infer_sizes(const char* op, const Dims& sizes, int64_t numel);
/// Without dimensions of size 1 (all of them, or dim if it is one).
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int64_t dim);
Tensor unsqueeze(const Tensor& x, int64_t dim);
/// Windows of size along dim, step apart, as a new last dimension.
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
/// The diagonal of dim0 and dim1 as a new last dimension.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim0 = 0, int64_t dim1 = 1);

}  // namespace iolaus::views
