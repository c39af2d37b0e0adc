// Running sums and products, differentiable, with PyTorch's names.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace iolaus {

/// y_j = x_0 + ... + x_j along dim, and the product; integers and bool give int64. dtype is what x
/// is converted to first.
Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

}  // namespace iolaus
