// Losses, differentiable, with PyTorch's names.
#pragma once

#include <string>

#include "core/tensor.h"
#include "kernels/cross_entropy/cross_entropy.h"

namespace iolaus {

struct CrossEntropyOptions {
  Tensor weight = {};  // (C), or undefined
  Reduction reduction = Reduction::kMean;
  int64_t ignore_index = -100;
  double label_smoothing = 0;
};

/// -log softmax(x)[target], x (N, C) or (N, C, ...) or (C), target int64 class indices (N, ...).
/// Errors: kIndex for a target outside of [0, C) that is not ignore_index; kInvalidArgument, kType.
Tensor cross_entropy(const Tensor& x, const Tensor& target,
                     const CrossEntropyOptions& options = {});
/// The same for x that is log-probabilities already (without label smoothing).
Tensor nll_loss(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options = {});

/// "none", "mean" or "sum". Errors: kInvalidArgument, naming op.
Reduction parse_reduction(const char* op, const std::string& text);

// Losses of each element, then the reduction; x and target broadcast.
/// (x - target)^2
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::kMean);
/// |x - target|
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::kMean);
/// d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2. (Girshick 2015)
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::kMean,
                      double beta = 1);
/// d^2 / 2 where d < delta, else delta (d - delta / 2). (Huber 1964)
Tensor huber_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::kMean,
                  double delta = 1);
/// -weight (target ln x + (1 - target) ln(1 - x)), logarithms at least -100.
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                            Reduction reduction = Reduction::kMean);
/// The same of sigmoid(x), without overflow; pos_weight is a factor of target's term.
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const Tensor& weight = {}, const Tensor& pos_weight = {},
                                        Reduction reduction = Reduction::kMean);
/// target (ln target - x), for x = ln p; with log_target the target is a logarithm, too.
/// reduction "batchmean" divides the sum by the first size.
Tensor kl_div(const Tensor& x, const Tensor& target, const std::string& reduction = "mean",
              bool log_target = false);
/// a b / (max(|a|, eps) max(|b|, eps)) along dim.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim = 1, double eps = 1e-8);
/// 1 - cos(a, b) where target is 1, max(0, cos(a, b) - margin) where it is -1.
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             double margin = 0, Reduction reduction = Reduction::kMean);
/// max(0, -target (a - b) + margin)
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           double margin = 0, Reduction reduction = Reduction::kMean);
/// x where target is 1, max(0, margin - x) where it is -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, double margin = 1,
                            Reduction reduction = Reduction::kMean);
/// |a - b + eps|_p along the last dimension.
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2, double eps = 1e-6,
                         bool keepdim = false);
/// max(0, d(anchor, positive) - d(anchor, negative) + margin); with swap the smaller of both
/// distances from the negative. (Balntas et al. 2016)
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin = 1, double p = 2, double eps = 1e-6, bool swap = false,
                           Reduction reduction = Reduction::kMean);
/// x / max(|x|_p, eps) along dim.
Tensor normalize(const Tensor& x, double p = 2, int64_t dim = 1, double eps = 1e-12);

}  // namespace iolaus
