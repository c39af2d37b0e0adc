// Tables of trained rows.
#pragma once

#include "autograd/ops/bags.h"
#include "nn/module.h"

namespace iolaus::nn {

/// Rows of a table (num_embeddings, embedding_dim), normally distributed at first. The row
/// padding_idx is zero at first and gets no gradient; a negative one counts from the end.
class Embedding final : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, std::optional<int64_t> padding_idx = {});
  Tensor forward(const Tensor& indices) override {
    return embedding(weight_, indices, padding_idx_);
  }
  std::string type_name() const override { return "Embedding"; }
  std::string describe() const override;

 private:
  int64_t padding_idx_;  // -1: none
  Tensor weight_;
};

/// Sums, means or maxima of bags of rows.
class EmbeddingBag final : public Module {
 public:
  /// mode: sum, mean or max.
  EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim, const std::string& mode = "mean",
               bool include_last_offset = false, std::optional<int64_t> padding_idx = {});
  /// indices (B, L).
  Tensor forward(const Tensor& indices) override { return forward(indices, {}); }
  /// indices (count) in bags that start at offsets; weights: a factor of each row, with mode sum.
  Tensor forward(const Tensor& indices, const Tensor& offsets,
                 const Tensor& per_sample_weights = {});
  std::string type_name() const override { return "EmbeddingBag"; }
  std::string describe() const override;

 private:
  EmbeddingBagOptions options_;
  Tensor weight_;
};

/// x (N, T, D) or (T, D) plus the first T rows of a trained table (length, D), which starts as
/// N(0, 0.02^2). (Vaswani et al. 2017, section 3.5)
class PositionEmbedding final : public Module {
 public:
  PositionEmbedding(int64_t length, int64_t embedding_dim);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "PositionEmbedding"; }
  std::string describe() const override;

 private:
  Tensor weight_;
};

}  // namespace iolaus::nn
