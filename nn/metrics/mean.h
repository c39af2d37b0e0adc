// Means: of values, of squared and of absolute errors.
#pragma once

#include "nn/metrics/metric.h"

namespace iolaus::nn {

/// The mean of values, such as the losses of batches, each with a weight.
class MeanMetric final : public Metric {
 public:
  /// value: a scalar tensor, the mean over count samples.
  void update(const Tensor& value, int64_t count);
  /// Values with weights that broadcast against them.
  void update(const Tensor& value, const Tensor& weight) override;
  Tensor value() const override;
  std::string type_name() const override { return "MeanMetric"; }
};

/// mean((output - target)^2), or its root where not squared.
class MeanSquaredError final : public Metric {
 public:
  explicit MeanSquaredError(bool squared = true) : squared_(squared) {}
  void update(const Tensor& output, const Tensor& target) override;
  Tensor value() const override;
  std::string type_name() const override { return "MeanSquaredError"; }

 private:
  bool squared_;
};

/// mean(|output - target|)
class MeanAbsoluteError final : public Metric {
 public:
  void update(const Tensor& output, const Tensor& target) override;
  Tensor value() const override;
  std::string type_name() const override { return "MeanAbsoluteError"; }
};

}  // namespace iolaus::nn
