// Pooling layers of one to three dimensions, of (N, C, ...) or (C, ...).
#pragma once

#include <optional>

#include "autograd/ops/pool.h"
#include "nn/module.h"

namespace iolaus::nn {

/// The largest element of each window.
class MaxPool : public Module {
 public:
  MaxPool(int rank, const Dims& kernel_size, const PoolOptions& options = {});
  Tensor forward(const Tensor& x) override;
  /// With the place of each in its flat image.
  std::pair<Tensor, Tensor> forward_with_indices(const Tensor& x) {
    return max_pool(x, rank_, kernel_, options_);
  }
  std::string type_name() const override { return fmt::format("MaxPool{}d", rank_); }
  std::string describe() const override;

 private:
  int rank_;
  Dims kernel_;
  PoolOptions options_;
};

struct AvgPoolOptions {
  Dims stride = {};  // empty: the kernel size
  Dims padding = {0};
  bool ceil_mode = false;
  bool count_include_pad = true;  // padding counts as zeros
  std::optional<int64_t> divisor_override = {};
};

/// The mean of each window.
class AvgPool : public Module {
 public:
  AvgPool(int rank, const Dims& kernel_size, const AvgPoolOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return fmt::format("AvgPool{}d", rank_); }
  std::string describe() const override;

 private:
  int rank_;
  Dims kernel_;
  AvgPoolOptions options_;
};

/// Means, or maxima, over windows that cut the image into output_size parts; -1 keeps a size.
class AdaptivePool : public Module {
 public:
  AdaptivePool(int rank, bool max, const Dims& output_size);
  Tensor forward(const Tensor& x) override;
  /// Maxima only: with the place of each in its flat image.
  std::pair<Tensor, Tensor> forward_with_indices(const Tensor& x);
  std::string type_name() const override {
    return fmt::format("Adaptive{}Pool{}d", max_ ? "Max" : "Avg", size_.size());
  }
  std::string describe() const override { return "output_size=" + size_.str(); }

 private:
  void check(const Tensor& x) const;

  bool max_;
  Dims size_;
};

template <int kRank> struct MaxPoolNd final : MaxPool {
  explicit MaxPoolNd(const Dims& kernel_size, const PoolOptions& options = {})
      : MaxPool(kRank, kernel_size, options) {}
};
template <int kRank> struct AvgPoolNd final : AvgPool {
  explicit AvgPoolNd(const Dims& kernel_size, const AvgPoolOptions& options = {})
      : AvgPool(kRank, kernel_size, options) {}
};
template <int kRank> struct AdaptiveAvgPoolNd final : AdaptivePool {
  explicit AdaptiveAvgPoolNd(const Dims& output_size) : AdaptivePool(kRank, false, output_size) {}
};
template <int kRank> struct AdaptiveMaxPoolNd final : AdaptivePool {
  explicit AdaptiveMaxPoolNd(const Dims& output_size) : AdaptivePool(kRank, true, output_size) {}
};
using MaxPool1d = MaxPoolNd<1>;
using MaxPool2d = MaxPoolNd<2>;
using MaxPool3d = MaxPoolNd<3>;
using AvgPool1d = AvgPoolNd<1>;
using AvgPool2d = AvgPoolNd<2>;
using AvgPool3d = AvgPoolNd<3>;
using AdaptiveAvgPool1d = AdaptiveAvgPoolNd<1>;
using AdaptiveAvgPool2d = AdaptiveAvgPoolNd<2>;
using AdaptiveAvgPool3d = AdaptiveAvgPoolNd<3>;
using AdaptiveMaxPool1d = AdaptiveMaxPoolNd<1>;
using AdaptiveMaxPool2d = AdaptiveMaxPoolNd<2>;
using AdaptiveMaxPool3d = AdaptiveMaxPoolNd<3>;

}  // namespace iolaus::nn
