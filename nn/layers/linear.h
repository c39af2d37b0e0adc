// Layers of matrix products and tables.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// y = x W^T + b, W (out, in), b (out).
class Linear final : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, bool bias = true);
  Tensor forward(const Tensor& x) override { return linear(x, weight_, bias_); }
  std::string type_name() const override { return "Linear"; }
  std::string describe() const override;

 private:
  int64_t in_, out_;
  Tensor weight_, bias_;
};

/// Rows of a table (num_embeddings, embedding_dim), normally distributed at first. The row
/// padding_idx (if >= 0) is zero and gets no gradient.
class Embedding final : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, int64_t padding_idx = -1);
  Tensor forward(const Tensor& indices) override {
    return embedding(weight_, indices, padding_idx_);
  }
  std::string type_name() const override { return "Embedding"; }
  std::string describe() const override;

 private:
  int64_t padding_idx_;
  Tensor weight_;
};

}  // namespace iolaus::nn
