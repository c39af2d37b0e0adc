// Softmax along a dimension, differentiable.
#pragma once

#include "core/tensor.h"

namespace iolaus {

/// e^x_i / sum_j e^x_j along dim.
Tensor softmax(const Tensor& x, int64_t dim);
/// Its logarithm, without overflow.
Tensor log_softmax(const Tensor& x, int64_t dim);

}  // namespace iolaus
