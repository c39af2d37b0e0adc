// Views, differentiable: the same storage seen with another geometry (see core/views.h for the
// meaning of the arguments and the errors). Changing a view in place changes its base, gradients
// included. reshape and flatten copy where a view is not possible.
#pragma once

#include "autograd/node.h"

namespace iolaus {

Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, int64_t offset);
Tensor view(const Tensor& x, const Dims& sizes);
Tensor reshape(const Tensor& x, const Dims& sizes);
/// Dimensions start to end become one.
Tensor flatten(const Tensor& x, int64_t start = 0, int64_t end = -1);
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
/// Transpose of a matrix (or of fewer dimensions: x itself).
Tensor t(const Tensor& x);
Tensor permute(const Tensor& x, const Dims& dims);
Tensor expand(const Tensor& x, const Dims& sizes);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int64_t dim);
Tensor squeeze(const Tensor& x, const Dims& dims);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim0 = 0, int64_t dim1 = 1);

/// Tensors one after the other along a dimension. Errors: kInvalidArgument where shapes differ.
Tensor cat(const Tensors& tensors, int64_t dim = 0);
/// Tensors of one shape along a new dimension.
Tensor stack(const Tensors& tensors, int64_t dim = 0);

namespace autograd {
/// The node that slices base's gradient as like is a slice of base.
NodePtr as_strided_node(const Tensor& base, const Tensor& like);
}  // namespace autograd

}  // namespace iolaus
