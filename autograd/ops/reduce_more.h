// Reductions made of those of reduce.h, differentiable, with PyTorch's names.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/tensor.h"

namespace iolaus {

/// Mean of the elements that are not NaN.
Tensor nanmean(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
               std::optional<DType> dtype = {});
/// amin and amax, of all elements without dim.
std::pair<Tensor, Tensor> aminmax(const Tensor& x, std::optional<int64_t> dim = {},
                                  bool keepdim = false);
/// The vector_norm of a - b, broadcast; and of all pairs of rows of a (..., P, M) and b (..., R,
/// M), as (..., P, R).
Tensor dist(const Tensor& a, const Tensor& b, double p = 2);
Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);
/// The area below the points (x, y), or below y with points dx apart, by trapezoids along dim.
Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim = -1);
Tensor trapezoid(const Tensor& y, double dx = 1, int64_t dim = -1);
/// The elements below which a share q (0-dim or a vector, a first dimension of the result) lies,
/// along dim or of all; between two elements as mode says: "linear", "lower", "higher", "nearest"
/// or "midpoint". Errors: kType for other than float32 and float64 of one kind, kInvalidArgument.
Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim = {},
                bool keepdim = false, const std::string& mode = "linear");

}  // namespace iolaus
