// Embedding, EmbeddingBag, PositionEmbedding, and their names in configs.
#include "nn/layers/embedding.h"

#include "autograd/grad_mode.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Register<Embedding, Module> kEmbedding{
    names("Embedding"),
    "rows of a table",
    {{"num_embeddings", P::kInt, "rows"},
     {"embedding_dim", P::kInt, "size of a row"},
     {"padding_idx", P::kInt, "row that is zero and not trained", nullptr}},
    [](const Args& a) {
      return std::make_shared<Embedding>(a.get<int64_t>("num_embeddings"),
                                         a.get<int64_t>("embedding_dim"),
                                         a.get<std::optional<int64_t>>("padding_idx"));
    }};
const config::Register<EmbeddingBag, Module> kBag{
    names("EmbeddingBag"),
    "sums, means or maxima of rows of a table",
    {{"num_embeddings", P::kInt, "rows"},
     {"embedding_dim", P::kInt, "size of a row"},
     {"mode", P::kString, "sum, mean or max", "mean"},
     {"include_last_offset", P::kBool, "the last offset is the end of the last bag", false},
     {"padding_idx", P::kInt, "row that does not count", nullptr}},
    [](const Args& a) {
      return std::make_shared<EmbeddingBag>(
          a.get<int64_t>("num_embeddings"), a.get<int64_t>("embedding_dim"),
          a.get<std::string>("mode"), a.get<bool>("include_last_offset"),
          a.get<std::optional<int64_t>>("padding_idx"));
    }};
const config::Register<PositionEmbedding, Module> kPosition{
    {"iolaus.nn.PositionEmbedding"},
    "adds a trained row for each place in a sequence",
    {{"length", P::kInt, "longest sequence"}, {"embedding_dim", P::kInt, "size of a row"}},
    [](const Args& a) {
      return std::make_shared<PositionEmbedding>(a.get<int64_t>("length"),
                                                 a.get<int64_t>("embedding_dim"));
    }};

int64_t padding_row(const char* layer, int64_t rows, std::optional<int64_t> padding_idx) {
  if (!padding_idx) return -1;
  IOLAUS_CHECK(*padding_idx >= -rows && *padding_idx < rows,
               "[{}] padding_idx {} is not within {} rows", layer, *padding_idx, rows);
  return *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
}

void reset(const Tensor& weight, int64_t padding_idx) {
  const NoGrad no_grad;
  normal_(weight);
  if (padding_idx >= 0) zero_(select(weight, 0, padding_idx));
}

}  // namespace

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim,
                     std::optional<int64_t> padding_idx)
    : padding_idx_(padding_row("Embedding", num_embeddings, padding_idx)) {
  register_parameter("weight", weight_, empty({num_embeddings, embedding_dim}));
  reset(weight_, padding_idx_);
}

std::string Embedding::describe() const {
  std::string shown = fmt::format("{}, {}", weight_.size(0), weight_.size(1));
  return padding_idx_ < 0 ? shown : shown + fmt::format(", padding_idx={}", padding_idx_);
}

EmbeddingBag::EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim, const std::string& mode,
                           bool include_last_offset, std::optional<int64_t> padding_idx) {
  IOLAUS_CHECK(mode == "sum" || mode == "mean" || mode == "max",
               "[EmbeddingBag] expected mode sum, mean or max, got '{}'", mode);
  const int64_t padding = padding_row("EmbeddingBag", num_embeddings, padding_idx);
  options_ = {.mode = mode, .include_last_offset = include_last_offset};
  if (padding >= 0) options_.padding_idx = padding;
  register_parameter("weight", weight_, empty({num_embeddings, embedding_dim}));
  reset(weight_, padding);
}

Tensor EmbeddingBag::forward(const Tensor& indices, const Tensor& offsets,
                             const Tensor& per_sample_weights) {
  EmbeddingBagOptions options = options_;
  options.per_sample_weights = per_sample_weights;
  return embedding_bag(indices, weight_, offsets, options);
}

std::string EmbeddingBag::describe() const {
  return fmt::format("{}, {}, mode={}", weight_.size(0), weight_.size(1), options_.mode);
}

PositionEmbedding::PositionEmbedding(int64_t length, int64_t embedding_dim) {
  register_parameter("weight", weight_, empty({length, embedding_dim}));
  const NoGrad no_grad;
  normal_(weight_, 0, 0.02);
}

Tensor PositionEmbedding::forward(const Tensor& x) {
  IOLAUS_CHECK(x.dim() >= 2 && x.size(-2) <= weight_.size(0) && x.size(-1) == weight_.size(1),
               "[PositionEmbedding] expected (..., T, {}) with T <= {}, got {}", weight_.size(1),
               weight_.size(0), x.describe());
  return add(x, narrow(weight_, 0, 0, x.size(-2)));
}

std::string PositionEmbedding::describe() const {
  return fmt::format("{}, {}", weight_.size(0), weight_.size(1));
}

}  // namespace iolaus::nn
