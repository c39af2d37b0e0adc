// Ops on groups of different lengths, differentiable, with the names of torch.nn.functional.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autograd/ops/loss.h"
#include "core/tensor.h"

namespace iolaus {

struct EmbeddingBagOptions {
  std::string mode = "mean";                // sum, mean or max
  Tensor per_sample_weights = {};           // a factor of each row, with sum
  bool include_last_offset = false;         // the last offset is the end of the last bag
  std::optional<int64_t> padding_idx = {};  // a row that does not count
};
/// Rows of weight (V, D) by indices (B, L), or (count) cut into bags that start at offsets (B):
/// gives (B, D). An empty bag gives zeros. Errors: kInvalidArgument, kIndex.
Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const Tensor& offsets = {},
                     const EmbeddingBagOptions& options = {});

/// Connectionist temporal classification: -log of the probability of all alignments of each target
/// with log_probs (T, N, C). targets (N, S), or one after the other. The mean divides each by its
/// target's length. Errors: kInvalidArgument, kIndex.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets,
                const std::vector<int64_t>& input_lengths,
                const std::vector<int64_t>& target_lengths, int64_t blank = 0,
                Reduction reduction = Reduction::kMean, bool zero_infinity = false);

}  // namespace iolaus
