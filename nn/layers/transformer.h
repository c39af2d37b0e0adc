// Transformers: encoder and decoder layers, stacks of them, and both together, with PyTorch's names
// and options. Sequences are (T, N, E), (N, T, E) where batch_first, or (T, E).
// (Vaswani et al. 2017; Xiong et al. 2020 for norm_first)
#pragma once

#include "nn/layers/attention.h"
#include "nn/layers/dropout.h"
#include "nn/layers/layer_norm.h"

namespace iolaus::nn {

struct TransformerOptions {
  int64_t d_model = 512;
  int64_t nhead = 8;
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  // or gelu
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;  // normalise what goes into a block instead of what comes out
  bool bias = true;
};

/// Attention of x with itself, then two linear layers, each with a residual and a norm.
class TransformerEncoderLayer final : public Module {
 public:
  explicit TransformerEncoderLayer(const TransformerOptions& options);
  Tensor forward(const Tensor& src, const AttentionMasks& masks);
  Tensor forward(const Tensor& src) override { return forward(src, AttentionMasks{}); }
  /// Another layer with the same options and values.
  std::shared_ptr<TransformerEncoderLayer> clone() const;
  const TransformerOptions& options() const { return options_; }
  std::string type_name() const override { return "TransformerEncoderLayer"; }

 private:
  Tensor feed_forward(const Tensor& x);

  TransformerOptions options_;
  std::shared_ptr<MultiheadAttention> self_attn_;
  std::shared_ptr<Linear> linear1_, linear2_;
  std::shared_ptr<LayerNorm> norm1_, norm2_;
  std::shared_ptr<Dropout> dropout_, dropout1_, dropout2_;
};

/// Attention of the target with itself, of the target with memory, then two linear layers.
class TransformerDecoderLayer final : public Module {
 public:
  explicit TransformerDecoderLayer(const TransformerOptions& options);
  Tensor forward(const Tensor& tgt, const Tensor& memory, const AttentionMasks& tgt_masks = {},
                 const AttentionMasks& memory_masks = {});
  /// The target as its own memory.
  Tensor forward(const Tensor& tgt) override { return forward(tgt, tgt); }
  std::shared_ptr<TransformerDecoderLayer> clone() const;
  const TransformerOptions& options() const { return options_; }
  std::string type_name() const override { return "TransformerDecoderLayer"; }

 private:
  Tensor feed_forward(const Tensor& x);

  TransformerOptions options_;
  std::shared_ptr<MultiheadAttention> self_attn_, cross_attn_;
  std::shared_ptr<Linear> linear1_, linear2_;
  std::shared_ptr<LayerNorm> norm1_, norm2_, norm3_;
  std::shared_ptr<Dropout> dropout_, dropout1_, dropout2_, dropout3_;
};

/// num_layers copies of a layer, which start with the same values, as PyTorch's; then norm, which
/// may be null.
class TransformerEncoder final : public Module {
 public:
  TransformerEncoder(const std::shared_ptr<TransformerEncoderLayer>& layer, int64_t num_layers,
                     std::shared_ptr<Module> norm = nullptr);
  Tensor forward(const Tensor& src, const AttentionMasks& masks);
  Tensor forward(const Tensor& src) override;
  std::string type_name() const override { return "TransformerEncoder"; }

 private:
  std::vector<std::shared_ptr<TransformerEncoderLayer>> layers_;
  std::shared_ptr<Module> norm_;
};

class TransformerDecoder final : public Module {
 public:
  TransformerDecoder(const std::shared_ptr<TransformerDecoderLayer>& layer, int64_t num_layers,
                     std::shared_ptr<Module> norm = nullptr);
  Tensor forward(const Tensor& tgt, const Tensor& memory, const AttentionMasks& tgt_masks = {},
                 const AttentionMasks& memory_masks = {});
  Tensor forward(const Tensor& tgt) override { return forward(tgt, tgt); }
  std::string type_name() const override { return "TransformerDecoder"; }

 private:
  std::vector<std::shared_ptr<TransformerDecoderLayer>> layers_;
  std::shared_ptr<Module> norm_;
};

/// Both, each with a norm at its end; weights start as xavier_uniform_.
class Transformer final : public Module {
 public:
  Transformer(const TransformerOptions& options, int64_t num_encoder_layers = 6,
              int64_t num_decoder_layers = 6);
  Tensor forward(const Tensor& src, const Tensor& tgt, const AttentionMasks& src_masks = {},
                 const AttentionMasks& tgt_masks = {}, const AttentionMasks& memory_masks = {});
  Tensor forward(const Tensor& x) override { return forward(x, x); }
  std::string type_name() const override { return "Transformer"; }

 private:
  std::shared_ptr<TransformerEncoder> encoder_;
  std::shared_ptr<TransformerDecoder> decoder_;
};

}  // namespace iolaus::nn
