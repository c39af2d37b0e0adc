// Metrics that accumulate on the device: update() enqueues work, only compute() waits for it.
#pragma once

#include "autograd/ops.h"

namespace iolaus::nn {

/// Share of rows whose largest output is at the target.
class Accuracy {
 public:
  /// output (N, C), target int64 (N).
  void update(const Tensor& output, const Tensor& target);
  /// Waits for the device. NaN before the first update.
  double compute() const;
  void reset() { *this = {}; }

 private:
  Tensor correct_;  // int64, 0-dim, on the outputs' device
  int64_t count_ = 0;
};

/// Mean of a loss over samples, of per-batch means.
class MeanMetric {
 public:
  /// value: a scalar tensor, the mean over count samples.
  void update(const Tensor& value, int64_t count);
  double compute() const;
  void reset() { *this = {}; }

 private:
  Tensor sum_;  // float64, 0-dim
  int64_t count_ = 0;
};

}  // namespace iolaus::nn
