// Reductions, differentiable, with PyTorch's names: over the given dimensions, or over all of them
// where dims is empty.
#pragma once

#include <optional>
#include <utility>

#include "core/tensor.h"

namespace iolaus {

/// dtype is what x is converted to first.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
           std::optional<DType> dtype = {});
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
/// The largest and the smallest element; at a tie the gradient is shared evenly.
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Variance and standard deviation; correction 1 divides by n - 1.
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
/// The same with the mean as the second result.
std::pair<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                   bool keepdim = false);
std::pair<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                   bool keepdim = false);
/// Euclidean norm.
Tensor norm(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// (sum |x|^ord)^(1 / ord); ord infinity, -infinity and 0 (how many are not 0) are the limits.
Tensor vector_norm(const Tensor& x, double ord = 2, const Dims& dims = {}, bool keepdim = false,
                   std::optional<DType> dtype = {});
/// ln(sum e^x), without overflow.
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
/// How many elements are not 0 (int64).
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});
/// Sum of the elements that are not NaN.
Tensor nansum(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
              std::optional<DType> dtype = {});
/// bool, without gradients.
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Index (int64) of the first largest or smallest element: of the flattened tensor, or along dim.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);

/// The largest or smallest elements along dim, and the index of the first of each.
std::pair<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim = false);
std::pair<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim = false);

/// x summed over the dimensions that broadcasting from sizes to x's shape added or stretched; x
/// itself where there are none. The gradient of an expand.
Tensor sum_to(const Tensor& x, const Dims& sizes);

}  // namespace iolaus
