// Normalisation over batches and over images, of (N, C, ...), with running statistics as buffers
// that are named as PyTorch's.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  /// Step of the running statistics; none: they are the mean of all batches.
  std::optional<double> momentum = 0.1;
  bool affine = true;
  bool track_running_stats = true;
};

/// type: BatchNorm1d of (N, C) or (N, C, L), BatchNorm2d of (N, C, H, W), BatchNorm3d of
/// (N, C, D, H, W), and SyncBatchNorm of any of them, which in one process is the same.
/// (Ioffe and Szegedy 2015)
class BatchNorm final : public Module {
 public:
  BatchNorm(std::string type, int64_t num_features, const BatchNormOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return type_; }
  std::string describe() const override;
  /// As in the beginning: mean 0, variance 1, no batches.
  void reset_running_stats();
  std::optional<double> momentum() const { return options_.momentum; }
  void set_momentum(std::optional<double> momentum) { options_.momentum = momentum; }

 private:
  std::string type_;
  int64_t features_;
  BatchNormOptions options_;
  Tensor weight_, bias_, running_mean_, running_var_, batches_;
};

/// InstanceNorm1d of (N, C, L), InstanceNorm2d, InstanceNorm3d; N may be missing. By default
/// without weights and without running statistics. (Ulyanov, Vedaldi, Lempitsky 2016)
class InstanceNorm final : public Module {
 public:
  InstanceNorm(int rank, int64_t num_features,
               const BatchNormOptions& options = {.affine = false, .track_running_stats = false});
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return fmt::format("InstanceNorm{}d", rank_); }
  std::string describe() const override;

 private:
  int rank_;
  int64_t features_;
  BatchNormOptions options_;
  Tensor weight_, bias_, running_mean_, running_var_;
};

}  // namespace iolaus::nn
