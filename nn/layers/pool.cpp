// Pooling layers. Batches of images go through the kernels of pool2d, the rest through the general
// functions.
#include "nn/layers/pool.h"

namespace iolaus::nn {
namespace {

Dims complete(const Dims& values, int rank) {
  IOLAUS_CHECK(values.size() == 1 || values.rank() == rank,
               "[pool] expected 1 or {} numbers, got {}", rank, values.str());
  return values.rank() == rank ? values : Dims::filled(static_cast<size_t>(rank), values[0]);
}
Pair pair(const Dims& d) { return {d[0], d[1]}; }

}  // namespace

MaxPool::MaxPool(int rank, const Dims& kernel_size, const PoolOptions& o)
    : rank_(rank), kernel_(complete(kernel_size, rank)) {
  options_ = {o.stride.empty() ? kernel_ : complete(o.stride, rank), complete(o.padding, rank),
              complete(o.dilation, rank), o.ceil_mode};
}

Tensor MaxPool::forward(const Tensor& x) {
  if (rank_ == 2 && x.dim() == 4) {
    return max_pool2d(x, pair(kernel_),
                      {.stride = pair(options_.stride),
                       .padding = pair(options_.padding),
                       .dilation = pair(options_.dilation),
                       .ceil_mode = options_.ceil_mode});
  }
  return max_pool(x, rank_, kernel_, options_).first;
}

std::string MaxPool::describe() const {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                     kernel_.str(), options_.stride.str(), options_.padding.str(),
                     options_.dilation.str(), options_.ceil_mode);
}

AvgPool::AvgPool(int rank, const Dims& kernel_size, const AvgPoolOptions& o)
    : rank_(rank), kernel_(complete(kernel_size, rank)), options_(o) {
  options_.stride = o.stride.empty() ? kernel_ : complete(o.stride, rank);
  options_.padding = complete(o.padding, rank);
}

Tensor AvgPool::forward(const Tensor& x) {
  if (rank_ == 2 && x.dim() == 4 && !options_.divisor_override) {
    return avg_pool2d(x, pair(kernel_),
                      {.stride = pair(options_.stride),
                       .padding = pair(options_.padding),
                       .ceil_mode = options_.ceil_mode,
                       .count_include_pad = options_.count_include_pad});
  }
  return avg_pool(
      x, rank_, kernel_,
      {.stride = options_.stride, .padding = options_.padding, .ceil_mode = options_.ceil_mode},
      options_.count_include_pad, options_.divisor_override);
}

std::string AvgPool::describe() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", kernel_.str(), options_.stride.str(),
                     options_.padding.str());
}

AdaptivePool::AdaptivePool(int rank, bool max, const Dims& output_size)
    : max_(max), size_(complete(output_size, rank)) {}

void AdaptivePool::check(const Tensor& x) const {
  const int rank = size_.rank();
  IOLAUS_CHECK(x.dim() == rank + 1 || x.dim() == rank + 2,
               "[{}] expected {} or {} dimensions, got {}", type_name(), rank + 1, rank + 2,
               x.describe());
}

Tensor AdaptivePool::forward(const Tensor& x) {
  check(x);
  if (size_.size() == 2 && x.dim() == 4) {
    const Pair size(size_[0] == -1 ? x.size(2) : size_[0], size_[1] == -1 ? x.size(3) : size_[1]);
    return max_ ? adaptive_max_pool2d(x, size) : adaptive_avg_pool2d(x, size);
  }
  return max_ ? adaptive_max_pool(x, size_).first : adaptive_avg_pool(x, size_);
}

std::pair<Tensor, Tensor> AdaptivePool::forward_with_indices(const Tensor& x) {
  IOLAUS_CHECK(max_, "[{}] has no indices", type_name());
  check(x);
  return adaptive_max_pool(x, size_);
}

}  // namespace iolaus::nn
