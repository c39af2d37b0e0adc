// Attention of several heads.
#pragma once

#include "nn/layers/linear.h"

namespace iolaus::nn {

struct AttentionLayerOptions {
  double dropout = 0;
  bool bias = true;
  bool add_bias_kv = false;    // a trained key and value more
  bool add_zero_attn = false;  // a key and value of zeros more
  int64_t kdim = 0, vdim = 0;  // sizes of keys and values; 0: embed_dim
  bool batch_first = false;
};

/// Which keys count. Undefined: all. A bool mask is true where a key does not count; a floating one
/// is added to the products.
struct AttentionMasks {
  Tensor key_padding = {};  // (N, S), or (S) without a batch
  Tensor attention = {};    // (L, S), or (N heads, L, S)
  bool is_causal = false;   // a query does not see later keys; beside or instead of `attention`
};

/// softmax(q k^T / sqrt(E / heads)) v for each head, between linear layers. Sequences are
/// (L, N, E), (N, L, E) where batch_first, or (L, E). Names are PyTorch's: in_proj_weight (3E, E),
/// in_proj_bias, out_proj.*; q_proj_weight, ... where kdim or vdim differ. (Vaswani et al. 2017)
class MultiheadAttention final : public Module {
 public:
  MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                     const AttentionLayerOptions& options = {});

  struct Result {
    Tensor output;
    Tensor weights;  // (N, L, S), or (N, heads, L, S) where not averaged
  };
  /// With the weights, which costs memory for them.
  Result forward_with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                              const AttentionMasks& masks = {}, bool average = true);
  Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionMasks& masks = {});
  /// x with itself.
  Tensor forward(const Tensor& x) override { return forward(x, x, x); }
  std::string type_name() const override { return "MultiheadAttention"; }
  std::string describe() const override;

 private:
  Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value,
                const AttentionMasks& masks, Tensor* weights);
  Tensors project(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor heads_of(const Tensor& x) const;

  int64_t width_, heads_;
  AttentionLayerOptions options_;
  Tensor in_weight_, q_weight_, k_weight_, v_weight_, in_bias_, bias_k_, bias_v_;
  std::shared_ptr<Linear> out_;
};

/// (size, size) with -inf above the diagonal, else 0: a mask that makes attention causal.
Tensor square_subsequent_mask(int64_t size, const TensorOptions& options = {});

}  // namespace iolaus::nn
