// Normalisation layers.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// Batch normalisation of (N, C, ...); keeps running statistics as buffers, named as PyTorch's.
class BatchNorm final : public Module {
 public:
  /// rank: what x must have; 0 takes any of at least 2 (BatchNorm1d: 2 or 3, BatchNorm2d: 4).
  BatchNorm(std::string type, int64_t num_features, double eps = 1e-5, double momentum = 0.1,
            bool affine = true, bool track_running_stats = true);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return type_; }
  std::string describe() const override;

 private:
  std::string type_;
  int64_t features_;
  double eps_, momentum_;
  Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

class LayerNorm final : public Module {
 public:
  explicit LayerNorm(Dims normalized_shape, double eps = 1e-5, bool affine = true,
                     bool bias = true);
  Tensor forward(const Tensor& x) override { return layer_norm(x, shape_, weight_, bias_, eps_); }
  std::string type_name() const override { return "LayerNorm"; }
  std::string describe() const override;

 private:
  Dims shape_;
  double eps_;
  Tensor weight_, bias_;
};

}  // namespace iolaus::nn
