// Pooling over one to three dimensions, by PyTorch's names, also of a single image without the
// batch. Two dimensions without more wishes are max_pool2d and avg_pool2d (pool2d.h); the others
// are reductions over a view of all windows.
#pragma once

#include <optional>
#include <utility>

#include "core/tensor.h"

namespace iolaus {

/// One number for all dimensions, or one for each.
struct PoolOptions {
  Dims stride = {};  // empty: the kernel size
  Dims padding = {0}, dilation = {1};
  bool ceil_mode = false;  // the last window may hang over the end
};
/// The largest element of each window of x (N, C, ...), and where it was in its (flat) image.
/// dims: how many dimensions are pooled. Errors: kInvalidArgument.
std::pair<Tensor, Tensor> max_pool(const Tensor& x, int64_t dims, const Dims& kernel_size,
                                   const PoolOptions& options = {});
/// The mean of each window; count_include_pad: padding counts as zeros; divisor, where given, is
/// divided by instead of the number of elements.
Tensor avg_pool(const Tensor& x, int64_t dims, const Dims& kernel_size,
                const PoolOptions& options = {}, bool count_include_pad = true,
                std::optional<int64_t> divisor = {});
/// x / (k + alpha m)^beta, m the mean of x^2 over size neighbouring channels of (N, C, ...), zeros
/// beyond the ends. (Krizhevsky et al. 2012)
Tensor local_response_norm(const Tensor& x, int64_t size, double alpha = 1e-4, double beta = 0.75,
                           double k = 1);
/// Windows that cut the image into output_size parts; -1 keeps a size.
Tensor adaptive_avg_pool(const Tensor& x, const Dims& output_size);
std::pair<Tensor, Tensor> adaptive_max_pool(const Tensor& x, const Dims& output_size);

}  // namespace iolaus
