// Normalisation without running statistics: over the last dimensions, or over groups of channels.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// Over the last dimensions, of sizes normalized_shape. (Ba, Kiros, Hinton 2016)
class LayerNorm final : public Module {
 public:
  explicit LayerNorm(const Dims& normalized_shape, double eps = 1e-5, bool affine = true,
                     bool bias = true);
  Tensor forward(const Tensor& x) override { return layer_norm(x, shape_, weight_, bias_, eps_); }
  std::string type_name() const override { return "LayerNorm"; }
  std::string describe() const override;

 private:
  Dims shape_;
  double eps_;
  Tensor weight_, bias_;
};

/// x / sqrt(mean(x^2) + eps) over the last dimensions. eps: see rms_norm. (Zhang and Sennrich 2019)
class RMSNorm final : public Module {
 public:
  explicit RMSNorm(const Dims& normalized_shape, std::optional<double> eps = {},
                   bool affine = true);
  Tensor forward(const Tensor& x) override { return rms_norm(x, shape_, weight_, eps_); }
  std::string type_name() const override { return "RMSNorm"; }
  std::string describe() const override;

 private:
  Dims shape_;
  std::optional<double> eps_;
  Tensor weight_;
};

/// Over each of num_groups groups of channels of (N, C, ...). (Wu and He 2018)
class GroupNorm final : public Module {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, double eps = 1e-5, bool affine = true);
  Tensor forward(const Tensor& x) override { return group_norm(x, groups_, weight_, bias_, eps_); }
  std::string type_name() const override { return "GroupNorm"; }
  std::string describe() const override;

 private:
  int64_t groups_, channels_;
  double eps_;
  Tensor weight_, bias_;
};

}  // namespace iolaus::nn
