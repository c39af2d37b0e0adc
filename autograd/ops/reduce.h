// Reductions, differentiable, with PyTorch's names: over the given dimensions, or over all of them
// where dims is empty.
#pragma once

#include "core/tensor.h"

namespace iolaus {

Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);

/// x summed over the dimensions that broadcasting from sizes to x's shape added or stretched; x
/// itself where there are none. The gradient of an expand.
Tensor sum_to(const Tensor& x, const Dims& sizes);

}  // namespace iolaus
