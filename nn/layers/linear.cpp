// Linear and Embedding, and their names in configs.
#include "nn/layers/linear.h"

#include "autograd/grad_mode.h"
#include "config/instantiate.h"
#include "nn/init.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

const config::Register<Linear, Module> kLinear{
    {"iolaus.nn.Linear", "torch.nn.Linear"},
    "y = x W^T + b",
    {{"in_features", P::kInt, "size of each input"},
     {"out_features", P::kInt, "size of each output"},
     {"bias", P::kBool, "adds b", true}},
    [](const config::Args& a) {
      return std::make_shared<Linear>(a.get<int64_t>("in_features"), a.get<int64_t>("out_features"),
                                      a.get<bool>("bias"));
    }};

const config::Register<Embedding, Module> kEmbedding{
    {"iolaus.nn.Embedding", "torch.nn.Embedding"},
    "rows of a table",
    {{"num_embeddings", P::kInt, "rows"},
     {"embedding_dim", P::kInt, "size of a row"},
     {"padding_idx", P::kInt, "row that is zero and not trained", nullptr}},
    [](const config::Args& a) {
      return std::make_shared<Embedding>(a.get<int64_t>("num_embeddings"),
                                         a.get<int64_t>("embedding_dim"),
                                         a.has("padding_idx") ? a.get<int64_t>("padding_idx") : -1);
    }};

}  // namespace

Linear::Linear(int64_t in_features, int64_t out_features, bool bias)
    : in_(in_features), out_(out_features) {
  IOLAUS_CHECK(in_ >= 0 && out_ >= 0, "[Linear] expected sizes >= 0, got {} and {}", in_, out_);
  weight_ = register_parameter("weight", empty({out_, in_}));
  bias_ = register_parameter("bias", bias ? zeros({out_}) : Tensor());
  reset_weight_and_bias(weight_, bias_);
}

std::string Linear::describe() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_, out_,
                     bias_.defined() ? "True" : "False");
}

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, int64_t padding_idx)
    : padding_idx_(padding_idx) {
  IOLAUS_CHECK(padding_idx < num_embeddings, "[Embedding] padding_idx {} is not below {} rows",
               padding_idx, num_embeddings);
  weight_ = register_parameter("weight", empty({num_embeddings, embedding_dim}));
  const NoGrad no_grad;
  normal_(weight_);
  if (padding_idx >= 0) zero_(select(weight_, 0, padding_idx));
}

std::string Embedding::describe() const {
  return fmt::format("{}, {}", weight_.size(0), weight_.size(1));
}

}  // namespace iolaus::nn
