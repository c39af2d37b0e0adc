// MultiheadAttention: projections, heads, masks as one tensor that is added to the products, then
// the fused attention, or its formula where the weights are asked for.
#include "nn/layers/attention.h"

#include <cmath>
#include <limits>

#include "autograd/grad_mode.h"
#include "nn/init.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Register<MultiheadAttention, Module> kAttention{
    names("MultiheadAttention"),
    "attention of several heads",
    {{"embed_dim", P::kInt, "size of each element"},
     {"num_heads", P::kInt, "heads, which share embed_dim"},
     {"dropout", P::kFloat, "of the weights", 0.0},
     {"bias", P::kBool, "the linear layers add a bias", true},
     {"add_bias_kv", P::kBool, "a trained key and value more", false},
     {"add_zero_attn", P::kBool, "a key and value of zeros more", false},
     {"kdim", P::kInt, "size of the keys; null: embed_dim", nullptr},
     {"vdim", P::kInt, "size of the values; null: embed_dim", nullptr},
     {"batch_first", P::kBool, "sequences are (N, L, E)", false}},
    [](const Args& a) {
      return std::make_shared<MultiheadAttention>(
          a.get<int64_t>("embed_dim"), a.get<int64_t>("num_heads"),
          AttentionLayerOptions{.dropout = a.get<double>("dropout"),
                                .bias = a.get<bool>("bias"),
                                .add_bias_kv = a.get<bool>("add_bias_kv"),
                                .add_zero_attn = a.get<bool>("add_zero_attn"),
                                .kdim = a.get<std::optional<int64_t>>("kdim").value_or(0),
                                .vdim = a.get<std::optional<int64_t>>("vdim").value_or(0),
                                .batch_first = a.get<bool>("batch_first")});
    }};

constexpr double kNever = -std::numeric_limits<double>::infinity();

// A mask to be added; undefined stays so.
Tensor as_added(const Tensor& mask, const Tensor& like) {
  if (!mask.defined() || mask.dtype() != kBool) return mask;
  return masked_fill(zeros(mask.sizes(), like.options()), mask, kNever);
}
Tensor plus(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? add(a, b) : a;
}
// More keys at the end that all queries see.
Tensor with_more_keys(const Tensor& mask, int64_t more) {
  return mask.defined() && more > 0 ? pad(mask, {0, more}) : mask;
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                                       const AttentionLayerOptions& o)
    : width_(embed_dim), heads_(num_heads), options_(o) {
  IOLAUS_CHECK(embed_dim > 0 && num_heads > 0 && embed_dim % num_heads == 0,
               "[MultiheadAttention] expected embed_dim to be a multiple of num_heads, got {} and "
               "{}",
               embed_dim, num_heads);
  const int64_t k = o.kdim > 0 ? o.kdim : width_, v = o.vdim > 0 ? o.vdim : width_;
  if (k == width_ && v == width_) {
    register_parameter("in_proj_weight", in_weight_, empty({3 * width_, width_}));
    xavier_uniform_(in_weight_);
  } else {
    register_parameter("q_proj_weight", q_weight_, empty({width_, width_}));
    register_parameter("k_proj_weight", k_weight_, empty({width_, k}));
    register_parameter("v_proj_weight", v_weight_, empty({width_, v}));
    for (const Tensor& w : {q_weight_, k_weight_, v_weight_}) xavier_uniform_(w);
  }
  register_parameter("in_proj_bias", in_bias_, o.bias ? zeros({3 * width_}) : Tensor());
  out_ = register_module("out_proj", std::make_shared<Linear>(width_, width_, o.bias));
  if (o.bias) {
    const NoGrad no_grad;
    zero_(out_->parameter("bias"));
  }
  if (!o.add_bias_kv) return;
  register_parameter("bias_k", bias_k_, empty({1, 1, width_}));
  register_parameter("bias_v", bias_v_, empty({1, 1, width_}));
  for (const Tensor& b : {bias_k_, bias_v_}) xavier_normal_(b);
}

Tensors MultiheadAttention::project(const Tensor& query, const Tensor& key,
                                    const Tensor& value) const {
  if (in_weight_.defined() && query.is_same(key) && key.is_same(value)) {
    return chunk(linear(query, in_weight_, in_bias_), 3, -1);
  }
  const Tensors weights =
      in_weight_.defined() ? chunk(in_weight_, 3) : Tensors{q_weight_, k_weight_, v_weight_};
  const Tensors biases = in_bias_.defined() ? chunk(in_bias_, 3) : Tensors(3);
  return {linear(query, weights[0], biases[0]), linear(key, weights[1], biases[1]),
          linear(value, weights[2], biases[2])};
}

// (N, L, E) as (N, heads, L, E / heads).
Tensor MultiheadAttention::heads_of(const Tensor& x) const {
  return transpose(reshape(x, {x.size(0), x.size(1), heads_, width_ / heads_}), 1, 2);
}

Tensor MultiheadAttention::attend(const Tensor& query, const Tensor& key, const Tensor& value,
                                  const AttentionMasks& masks, Tensor* weights) {
  Tensors qkv = project(query, key, value);
  int64_t more = 0;
  const int64_t batch = query.size(0);
  if (bias_k_.defined()) {
    const Dims one{batch, 1, width_};
    qkv[1] = cat({qkv[1], expand(bias_k_, one)}, 1);
    qkv[2] = cat({qkv[2], expand(bias_v_, one)}, 1);
    ++more;
  }
  Tensor q = heads_of(qkv[0]), k = heads_of(qkv[1]), v = heads_of(qkv[2]);
  if (options_.add_zero_attn) {
    const Tensor nothing = zeros({batch, heads_, 1, width_ / heads_}, q.options());
    k = cat({k, nothing}, 2);
    v = cat({v, nothing}, 2);
    ++more;
  }
  Tensor mask = as_added(masks.attention, q);
  if (mask.defined() && mask.dim() == 3) {
    mask = reshape(mask, {batch, heads_, mask.size(1), mask.size(2)});
  }
  const bool fused_causal =
      masks.is_causal && !mask.defined() && !masks.key_padding.defined() && !weights && more == 0;
  if (masks.is_causal && !mask.defined() && !fused_causal) {
    const Dims all{query.size(1), key.size(1)};
    mask = triu(full(all, kNever, q.options()), 1);
  }
  if (masks.key_padding.defined()) {
    const Tensor padding = as_added(masks.key_padding, q);
    mask = plus(mask, reshape(padding, {batch, 1, 1, padding.size(-1)}));
  }
  mask = with_more_keys(mask, more);
  const double dropout_p = is_training() ? options_.dropout : 0;
  Tensor y;
  if (weights) {
    const double scale = 1 / std::sqrt(static_cast<double>(width_ / heads_));
    *weights = softmax(plus(mul(matmul(q, transpose(k, -2, -1)), scale), mask), -1);
    *weights = dropout(*weights, dropout_p, is_training());
    y = matmul(*weights, v);
  } else {
    y = scaled_dot_product_attention(q, k, v, mask, dropout_p, fused_causal);
  }
  return (*out_)(reshape(transpose(y, 1, 2), {batch, query.size(1), width_}));
}

Tensor MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionMasks& masks) {
  IOLAUS_CHECK(query.dim() == key.dim() && key.dim() == value.dim() &&
                   (query.dim() == 2 || query.dim() == 3),
               "[MultiheadAttention] expected three sequences of 2 or 3 dimensions, got {}, {} "
               "and {}",
               query.describe(), key.describe(), value.describe());
  if (query.dim() == 3 && options_.batch_first) return attend(query, key, value, masks, nullptr);
  const bool self = query.is_same(key) && key.is_same(value), single = query.dim() == 2;
  const auto turned = [&](const Tensor& x) {
    return single ? unsqueeze(x, 0) : transpose(x, 0, 1);
  };
  const Tensor q = turned(query), k = self ? q : turned(key), v = self ? q : turned(value);
  const Tensor y = attend(q, k, v, masks, nullptr);
  return single ? squeeze(y, 0) : transpose(y, 0, 1);
}

MultiheadAttention::Result MultiheadAttention::forward_with_weights(const Tensor& query,
                                                                    const Tensor& key,
                                                                    const Tensor& value,
                                                                    const AttentionMasks& masks,
                                                                    bool average) {
  const bool single = query.dim() == 2, first = options_.batch_first;
  const auto turned = [&](const Tensor& x) {
    return single ? unsqueeze(x, 0) : first ? x : transpose(x, 0, 1);
  };
  Tensor weights;
  const Tensor y = attend(turned(query), turned(key), turned(value), masks, &weights);
  if (average) weights = mean(weights, {1});
  return {single  ? squeeze(y, 0)
          : first ? y
                  : transpose(y, 0, 1),
          single ? squeeze(weights, 0) : weights};
}

std::string MultiheadAttention::describe() const {
  return fmt::format("embed_dim={}, num_heads={}, dropout={}", width_, heads_, options_.dropout);
}

Tensor square_subsequent_mask(int64_t size, const TensorOptions& options) {
  return triu(full({size, size}, kNever, options), 1);
}

}  // namespace iolaus::nn
