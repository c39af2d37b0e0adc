// Running extremes and sums of exponentials, differentiable, with PyTorch's names.
#pragma once

#include <utility>

#include "core/tensor.h"

namespace iolaus {

/// The largest (smallest) of x_0 ... x_j, and its index (int64): of equal ones the last; NaN counts
/// as the largest (smallest).
std::pair<Tensor, Tensor> cummax(const Tensor& x, int64_t dim);
std::pair<Tensor, Tensor> cummin(const Tensor& x, int64_t dim);
/// ln(e^x_0 + ... + e^x_j), without overflow.
Tensor logcumsumexp(const Tensor& x, int64_t dim);

}  // namespace iolaus
