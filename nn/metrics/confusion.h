// ConfusionMatrix: how often each class was taken for each.
#pragma once

#include "nn/metrics/scores.h"

namespace iolaus::nn {

enum class Normalize { kNone, kTrue, kPred, kAll };

/// (C, C), rows are targets; (2, 2) for the binary task, (L, 2, 2) for the multilabel one. int64,
/// or float64 where normalised over targets (kTrue), over predictions or over all.
class ConfusionMatrix final : public Metric {
 public:
  /// Of the options task, num_classes (needed but for the binary task), threshold, ignore_index.
  explicit ConfusionMatrix(const ScoreOptions& options, Normalize normalize = Normalize::kNone);
  void update(const Tensor& output, const Tensor& target) override;
  Tensor value() const override;
  std::string type_name() const override { return "ConfusionMatrix"; }

 private:
  ScoreOptions options_;
  Normalize normalize_;
};

}  // namespace iolaus::nn
