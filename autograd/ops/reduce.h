// Reductions, differentiable, with PyTorch's names: over the given dimensions, or over all of them
// where dims is empty.
#pragma once

#include "core/tensor.h"

namespace iolaus {

Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The largest and the smallest element; at a tie the gradient is shared evenly.
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Variance and standard deviation; correction 1 divides by n - 1.
Tensor var(const Tensor& x, const Dims& dims = {}, int64_t correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, int64_t correction = 1, bool keepdim = false);
/// Euclidean norm.
Tensor norm(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// bool, without gradients.
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Index (int64) of the first largest or smallest element: of the flattened tensor, or along dim.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);

/// x summed over the dimensions that broadcasting from sizes to x's shape added or stretched; x
/// itself where there are none. The gradient of an expand.
Tensor sum_to(const Tensor& x, const Dims& sizes);

}  // namespace iolaus
