// AUROC: the area under the curve of true against false positives.
#pragma once

#include "nn/metrics/scores.h"

namespace iolaus::nn {

/// Exact: the probability that a positive's output is above a negative's, ties counting half (Mann
/// and Whitney 1947); 0 where there are no positives or no negatives, as in torchmetrics. Classes
/// and labels each against the rest, then averaged (kMacro, kWeighted by their targets, kNone; for
/// labels also kMicro). All outputs are kept until reset().
class AUROC final : public Metric {
 public:
  /// Of the options task, num_classes, average, ignore_index.
  explicit AUROC(const ScoreOptions& options);
  void update(const Tensor& output, const Tensor& target) override;
  Tensor value() const override;
  std::string type_name() const override { return "AUROC"; }

 private:
  ScoreOptions options_;
};

}  // namespace iolaus::nn
