// How many batches the loops take: from the lengths of loaders, which streams do not have, and the
// limits among the trainer's flags. The rules are Lightning's.
#pragma once

#include <optional>

#include "nn/data/pass.h"
#include "nn/trainer/trainer_options.h"

namespace iolaus::nn {

/// Stands for as many batches as a stream gives.
constexpr int64_t kAllBatches = -1;

/// Batches of a loop. length: of its loader; stage: train, val, test or predict. kAllBatches where
/// neither length nor limit says how many.
/// Errors: kInvalidArgument for a share of a stream, or one that leaves no batch of some.
int64_t limited_batches(const BatchLimit& limit, std::optional<int64_t> length, const char* stage);

/// The loaders of a validation, test or prediction, and how many batches each gives.
struct EvaluationPlan {
  data::Loaders loaders;
  std::vector<int64_t> batches;

  /// Nothing to do.
  bool is_empty() const;
  /// Of all loaders; kAllBatches where one is a stream that nothing limits.
  int64_t total() const;
  /// With at most `count` batches of each loader, or all where it is negative.
  EvaluationPlan at_most(int64_t count) const;
};

}  // namespace iolaus::nn
