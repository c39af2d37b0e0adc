// Limits of batches.
#include "nn/trainer/batch_limits.h"

#include <algorithm>

#include "core/error.h"

namespace iolaus::nn {

int64_t BatchLimit::of(int64_t batches) const {
  if (count >= 0) return std::min(batches, count);
  return static_cast<int64_t>(share * static_cast<double>(batches));
}

int64_t limited_batches(const BatchLimit& limit, std::optional<int64_t> length, const char* stage) {
  if (!length) {
    if (limit.count >= 0) return limit.count;
    IOLAUS_CHECK(limit.share == 1.0 || limit.share == 0.0,
                 "[Trainer] When using an IterableDataset, limit_{}_batches must be 1.0 or an int: "
                 "the number of batches to use. Got {}",
                 stage, limit.share);
    return limit.share == 0.0 ? 0 : kAllBatches;
  }
  const int64_t batches = limit.of(*length);
  IOLAUS_CHECK(
      batches > 0 || *length == 0 || limit.is_zero(),
      "[Trainer] You requested {} of the {} batches for {}, which is less than one. Please "
      "increase limit_{}_batches, to {} at least",
      limit.share, *length, stage, stage, 1.0 / static_cast<double>(*length));
  return batches;
}

bool EvaluationPlan::is_empty() const {
  return std::all_of(batches.begin(), batches.end(), [](int64_t n) { return n == 0; });
}

int64_t EvaluationPlan::total() const {
  int64_t sum = 0;
  for (const int64_t count : batches) {
    if (count == kAllBatches) return kAllBatches;
    sum += count;
  }
  return sum;
}

EvaluationPlan EvaluationPlan::at_most(int64_t count) const {
  EvaluationPlan plan = *this;
  if (count < 0) return plan;
  for (int64_t& n : plan.batches) n = n == kAllBatches ? count : std::min(n, count);
  return plan;
}

}  // namespace iolaus::nn
