// Scores of classifications that are made of true and false positives and negatives: Accuracy,
// Precision, Recall, FBetaScore, F1Score, Specificity. They agree with torchmetrics, whose
// definitions of averages and of ignored targets they follow.
#pragma once

#include <optional>

#include "nn/metrics/metric.h"

namespace iolaus::nn {

enum class Average { kMicro, kMacro, kWeighted, kNone };

struct ScoreOptions {
  /// kBinary: output and target (N, ...). kMulticlass: output (N, C, ...) and target (N, ...), or
  /// labels like the target. kMultilabel: output and target (N, L, ...).
  Task task = Task::kMulticlass;
  /// Classes or labels; 0: as many as the output has.
  int64_t num_classes = 0;
  /// kMicro counts all classes together, the others have a score for each class.
  Average average = Average::kMicro;
  /// The target may be any of the k largest outputs (multiclass).
  int64_t top_k = 1;
  /// Above which an output is positive (binary, multilabel). Outputs outside of [0, 1] are logits.
  double threshold = 0.5;
  std::optional<int64_t> ignore_index = {};  // targets that do not count
};

/// Counts positives and negatives, of all classes or of each.
class StatScores : public Metric {
 public:
  explicit StatScores(const ScoreOptions& options = {});
  void update(const Tensor& output, const Tensor& target) override;

 protected:
  struct Counts {
    Tensor tp, fp, tn, fn;  // float64: 0-dim, or (C)
  };
  /// Of the whole: 0-dim for the binary task and micro averages.
  Counts counts() const;
  /// The average of scores of classes.
  Tensor averaged(const Tensor& scores, const Counts& c) const;
  const ScoreOptions& options() const { return options_; }
  bool is_single() const {
    return options_.task == Task::kBinary || options_.average == Average::kMicro;
  }

 private:
  void update_multiclass(const Tensor& output, const Tensor& target);
  void update_labels(const Tensor& output, const Tensor& target);

  ScoreOptions options_;
};

/// Share of right answers: by default of rows whose largest output is at the target.
class Accuracy final : public StatScores {
 public:
  using StatScores::StatScores;
  Tensor value() const override;
  std::string type_name() const override { return "Accuracy"; }
};

/// tp / (tp + fp)
class Precision final : public StatScores {
 public:
  using StatScores::StatScores;
  Tensor value() const override;
  std::string type_name() const override { return "Precision"; }
};

/// tp / (tp + fn)
class Recall final : public StatScores {
 public:
  using StatScores::StatScores;
  Tensor value() const override;
  std::string type_name() const override { return "Recall"; }
};

/// tn / (tn + fp)
class Specificity final : public StatScores {
 public:
  using StatScores::StatScores;
  Tensor value() const override;
  std::string type_name() const override { return "Specificity"; }
};

/// (1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp); beta 1 is F1Score.
class FBetaScore final : public StatScores {
 public:
  explicit FBetaScore(const ScoreOptions& options = {}, double beta = 1)
      : StatScores(options), beta_(beta) {}
  Tensor value() const override;
  std::string type_name() const override { return beta_ == 1 ? "F1Score" : "FBetaScore"; }

 private:
  double beta_;
};

}  // namespace iolaus::nn
