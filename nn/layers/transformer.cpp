// Layers and stacks of transformers.
#include "nn/layers/transformer.h"

#include "nn/init.h"
#include "nn/layers/sequential.h"

namespace iolaus::nn {
namespace {

using Options = TransformerOptions;

std::shared_ptr<MultiheadAttention> attention(const Options& o) {
  return std::make_shared<MultiheadAttention>(
      o.d_model, o.nhead,
      AttentionLayerOptions{.dropout = o.dropout, .bias = o.bias, .batch_first = o.batch_first});
}
std::shared_ptr<LayerNorm> norm(const Options& o) {
  return std::make_shared<LayerNorm>(Dims{o.d_model}, o.layer_norm_eps, true, o.bias);
}
std::shared_ptr<Dropout> drop(const Options& o) { return std::make_shared<Dropout>(o.dropout); }

void check(const char* layer, const Options& o) {
  IOLAUS_CHECK(o.activation == "relu" || o.activation == "gelu",
               "[{}] expected activation relu or gelu, got '{}'", layer, o.activation);
}
Tensor activate(const Options& o, const Tensor& x) {
  return o.activation == "gelu" ? gelu(x) : relu(x);
}

template <class Layer>
std::vector<std::shared_ptr<Layer>> add_copies(ModuleList& list, const Layer& layer, int64_t n) {
  IOLAUS_CHECK(n >= 0, "[{}] expected num_layers >= 0, got {}", layer.type_name(), n);
  std::vector<std::shared_ptr<Layer>> layers;
  for (int64_t i = 0; i < n; ++i) {
    layers.push_back(layer.clone());
    list.append(layers.back());
  }
  return layers;
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(const Options& o) : options_(o) {
  check("TransformerEncoderLayer", o);
  self_attn_ = register_module("self_attn", attention(o));
  linear1_ =
      register_module("linear1", std::make_shared<Linear>(o.d_model, o.dim_feedforward, o.bias));
  dropout_ = register_module("dropout", drop(o));
  linear2_ =
      register_module("linear2", std::make_shared<Linear>(o.dim_feedforward, o.d_model, o.bias));
  norm1_ = register_module("norm1", norm(o));
  norm2_ = register_module("norm2", norm(o));
  dropout1_ = register_module("dropout1", drop(o));
  dropout2_ = register_module("dropout2", drop(o));
}

Tensor TransformerEncoderLayer::feed_forward(const Tensor& x) {
  return (*dropout2_)((*linear2_)((*dropout_)(activate(options_, (*linear1_)(x)))));
}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const AttentionMasks& masks) {
  const auto attend = [&](const Tensor& x) {
    return (*dropout1_)(self_attn_->forward(x, x, x, masks));
  };
  if (options_.norm_first) {
    const Tensor x = src + attend((*norm1_)(src));
    return x + feed_forward((*norm2_)(x));
  }
  const Tensor x = (*norm1_)(src + attend(src));
  return (*norm2_)(x + feed_forward(x));
}

std::shared_ptr<TransformerEncoderLayer> TransformerEncoderLayer::clone() const {
  auto copy = std::make_shared<TransformerEncoderLayer>(options_);
  copy->load_state_dict(state_dict());
  return copy;
}

TransformerDecoderLayer::TransformerDecoderLayer(const Options& o) : options_(o) {
  check("TransformerDecoderLayer", o);
  self_attn_ = register_module("self_attn", attention(o));
  cross_attn_ = register_module("multihead_attn", attention(o));
  linear1_ =
      register_module("linear1", std::make_shared<Linear>(o.d_model, o.dim_feedforward, o.bias));
  dropout_ = register_module("dropout", drop(o));
  linear2_ =
      register_module("linear2", std::make_shared<Linear>(o.dim_feedforward, o.d_model, o.bias));
  norm1_ = register_module("norm1", norm(o));
  norm2_ = register_module("norm2", norm(o));
  norm3_ = register_module("norm3", norm(o));
  dropout1_ = register_module("dropout1", drop(o));
  dropout2_ = register_module("dropout2", drop(o));
  dropout3_ = register_module("dropout3", drop(o));
}

Tensor TransformerDecoderLayer::feed_forward(const Tensor& x) {
  return (*dropout3_)((*linear2_)((*dropout_)(activate(options_, (*linear1_)(x)))));
}

Tensor TransformerDecoderLayer::forward(const Tensor& tgt, const Tensor& memory,
                                        const AttentionMasks& tgt_masks,
                                        const AttentionMasks& memory_masks) {
  const auto attend = [&](const Tensor& x) {
    return (*dropout1_)(self_attn_->forward(x, x, x, tgt_masks));
  };
  const auto remember = [&](const Tensor& x) {
    return (*dropout2_)(cross_attn_->forward(x, memory, memory, memory_masks));
  };
  if (options_.norm_first) {
    Tensor x = tgt + attend((*norm1_)(tgt));
    x = x + remember((*norm2_)(x));
    return x + feed_forward((*norm3_)(x));
  }
  Tensor x = (*norm1_)(tgt + attend(tgt));
  x = (*norm2_)(x + remember(x));
  return (*norm3_)(x + feed_forward(x));
}

std::shared_ptr<TransformerDecoderLayer> TransformerDecoderLayer::clone() const {
  auto copy = std::make_shared<TransformerDecoderLayer>(options_);
  copy->load_state_dict(state_dict());
  return copy;
}

TransformerEncoder::TransformerEncoder(const std::shared_ptr<TransformerEncoderLayer>& layer,
                                       int64_t num_layers, std::shared_ptr<Module> norm)
    : norm_(std::move(norm)) {
  IOLAUS_CHECK(layer != nullptr, "[TransformerEncoder] expected an encoder_layer");
  const auto list = register_module("layers", std::make_shared<ModuleList>());
  layers_ = add_copies(*list, *layer, num_layers);
  if (norm_) register_module("norm", norm_);
}

Tensor TransformerEncoder::forward(const Tensor& src, const AttentionMasks& masks) {
  Tensor x = src;
  for (const auto& layer : layers_) x = layer->forward(x, masks);
  return norm_ ? (*norm_)(x) : x;
}
Tensor TransformerEncoder::forward(const Tensor& src) {
  Tensor x = src;
  for (const auto& layer : layers_) x = (*layer)(x);
  return norm_ ? (*norm_)(x) : x;
}

TransformerDecoder::TransformerDecoder(const std::shared_ptr<TransformerDecoderLayer>& layer,
                                       int64_t num_layers, std::shared_ptr<Module> norm)
    : norm_(std::move(norm)) {
  IOLAUS_CHECK(layer != nullptr, "[TransformerDecoder] expected a decoder_layer");
  const auto list = register_module("layers", std::make_shared<ModuleList>());
  layers_ = add_copies(*list, *layer, num_layers);
  if (norm_) register_module("norm", norm_);
}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory,
                                   const AttentionMasks& tgt_masks,
                                   const AttentionMasks& memory_masks) {
  Tensor x = tgt;
  for (const auto& layer : layers_) x = layer->forward(x, memory, tgt_masks, memory_masks);
  return norm_ ? (*norm_)(x) : x;
}

Transformer::Transformer(const Options& o, int64_t num_encoder_layers, int64_t num_decoder_layers) {
  encoder_ = register_module(
      "encoder", std::make_shared<TransformerEncoder>(std::make_shared<TransformerEncoderLayer>(o),
                                                      num_encoder_layers, norm(o)));
  decoder_ = register_module(
      "decoder", std::make_shared<TransformerDecoder>(std::make_shared<TransformerDecoderLayer>(o),
                                                      num_decoder_layers, norm(o)));
  for (const Tensor& p : parameters()) {
    if (p.dim() > 1) xavier_uniform_(p);
  }
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt, const AttentionMasks& src_masks,
                            const AttentionMasks& tgt_masks, const AttentionMasks& memory_masks) {
  return decoder_->forward(tgt, encoder_->forward(src, src_masks), tgt_masks, memory_masks);
}

}  // namespace iolaus::nn
