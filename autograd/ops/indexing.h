// Elements by index along a dimension, differentiable, with PyTorch's names and rules. An index is
// int32 or int64; its values must lie in [0, size of the dimension): kIndex otherwise (on a device
// by the next wait). Where an index repeats itself, what arrives is combined in order of the index,
// on every device the same in every run.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace iolaus {

/// out[i][j][k] = x[i][index[i][j][k]][k] for dim 1, and so on. index has x's rank and, but for
/// dim, no larger sizes; out has index's shape.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// x with out[i][index[i][j][k]][k] = src[i][j][k]: the way back. index is nowhere larger than src,
/// and but for dim than x. Of equal indices the last one counts; gradients are right where there
/// are none.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value);
/// The same with += for =.
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src);
/// reduce: "sum", "prod", "mean", "amax" or "amin" of what arrives, and where include_self of what
/// was in x. Errors: kInvalidArgument for another name.
Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self = true);
/// Slices of dim: out[i][j][k] = x[i][index[j]][k]. index has one dimension (or none).
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// x with out[i][index[j]][k] += alpha source[i][j][k].
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha = 1);
/// gather with x and indices broadcast against each other but along dim; without dim of the
/// flattened x. The way back from argsort.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t dim);
Tensor take_along_dim(const Tensor& x, const Tensor& indices);

}  // namespace iolaus
