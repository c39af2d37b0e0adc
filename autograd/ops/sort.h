// Order along a dimension, differentiable in the values, with PyTorch's names. Indices are int64.
#pragma once

#include <optional>
#include <utility>

#include "core/tensor.h"

namespace iolaus {

/// Values in order and the index that each had. Equal elements keep their order; NaN is largest.
std::pair<Tensor, Tensor> sort(const Tensor& x, int64_t dim = -1, bool descending = false);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
/// The k largest (or smallest) along dim, in order, and their indices.
/// Errors: kInvalidArgument where there are fewer than k.
std::pair<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);
/// The k-th smallest (1 is the smallest), and its index.
std::pair<Tensor, Tensor> kthvalue(const Tensor& x, int64_t k, int64_t dim = -1,
                                   bool keepdim = false);
/// The middle element, the lower of the two where there are two; NaN where there is one.
std::pair<Tensor, Tensor> median(const Tensor& x, int64_t dim, bool keepdim = false);
/// Of all elements.
Tensor median(const Tensor& x);

}  // namespace iolaus
