// Linear, Bilinear, LoraLinear, and their names in configs.
#include "nn/layers/linear.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "nn/init.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Register<Linear, Module> kLinear{
    names("Linear"),
    "y = x W^T + b",
    {{"in_features", P::kInt, "size of each input"},
     {"out_features", P::kInt, "size of each output"},
     {"bias", P::kBool, "adds b", true}},
    [](const Args& a) {
      return std::make_shared<Linear>(a.get<int64_t>("in_features"), a.get<int64_t>("out_features"),
                                      a.get<bool>("bias"));
    }};
const config::Register<Bilinear, Module> kBilinear{
    names("Bilinear"),
    "y = x1 W x2 + b; in a config's Sequential x with itself",
    {{"in1_features", P::kInt, "size of each first input"},
     {"in2_features", P::kInt, "size of each second input"},
     {"out_features", P::kInt, "size of each output"},
     {"bias", P::kBool, "adds b", true}},
    [](const Args& a) {
      return std::make_shared<Bilinear>(a.get<int64_t>("in1_features"),
                                        a.get<int64_t>("in2_features"),
                                        a.get<int64_t>("out_features"), a.get<bool>("bias"));
    }};
const config::Register<LoraLinear, Module> kLora{
    {"iolaus.nn.LoraLinear"},
    "a fixed linear layer plus a trained product of two narrow matrices",
    {{"in_features", P::kInt, "size of each input"},
     {"out_features", P::kInt, "size of each output"},
     {"rank", P::kInt, "inner size of the product", 8},
     {"alpha", P::kFloat, "the product counts alpha / rank times", 8.0},
     {"dropout", P::kFloat, "of the product's input", 0.0},
     {"bias", P::kBool, "the fixed layer adds a bias", true}},
    [](const Args& a) {
      return std::make_shared<LoraLinear>(a.get<int64_t>("in_features"),
                                          a.get<int64_t>("out_features"),
                                          LoraLinear::Options{.rank = a.get<int64_t>("rank"),
                                                              .alpha = a.get<double>("alpha"),
                                                              .dropout = a.get<double>("dropout"),
                                                              .bias = a.get<bool>("bias")});
    }};

}  // namespace

Linear::Linear(int64_t in_features, int64_t out_features, bool bias)
    : in_(in_features), out_(out_features) {
  IOLAUS_CHECK(in_ >= 0 && out_ >= 0, "[Linear] expected sizes >= 0, got {} and {}", in_, out_);
  register_parameter("weight", weight_, empty({out_, in_}));
  register_parameter("bias", bias_, bias ? zeros({out_}) : Tensor());
  reset_weight_and_bias(weight_, bias_);
}

std::string Linear::describe() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_, out_,
                     bias_.defined() ? "True" : "False");
}

Bilinear::Bilinear(int64_t in1, int64_t in2, int64_t out, bool bias) {
  IOLAUS_CHECK(in1 > 0 && in2 > 0 && out > 0, "[Bilinear] expected sizes > 0, got {}, {} and {}",
               in1, in2, out);
  register_parameter("weight", weight_, empty({out, in1, in2}));
  register_parameter("bias", bias_, bias ? empty({out}) : Tensor());
  const NoGrad no_grad;
  const double bound = 1 / std::sqrt(static_cast<double>(in1));
  uniform_(weight_, -bound, bound);
  if (bias) uniform_(bias_, -bound, bound);
}

std::string Bilinear::describe() const {
  return fmt::format("in1_features={}, in2_features={}, out_features={}, bias={}", weight_.size(1),
                     weight_.size(2), weight_.size(0), bias_.defined() ? "True" : "False");
}

LoraLinear::LoraLinear(int64_t in_features, int64_t out_features, const Options& options)
    : options_(options) {
  IOLAUS_CHECK(options.rank > 0 && options.dropout >= 0 && options.dropout <= 1,
               "[LoraLinear] expected rank > 0 and dropout in [0, 1], got {} and {}", options.rank,
               options.dropout);
  base_ = register_module("base_layer",
                          std::make_shared<Linear>(in_features, out_features, options.bias));
  base_->requires_grad_(false);
  down_ = register_module("lora_A", std::make_shared<Linear>(in_features, options.rank, false));
  up_ = register_module("lora_B", std::make_shared<Linear>(options.rank, out_features, false));
  const NoGrad no_grad;
  zero_(up_->parameter("weight"));
}

Tensor LoraLinear::forward(const Tensor& x) {
  const Tensor in = dropout(x, options_.dropout, is_training());
  const double scale = options_.alpha / static_cast<double>(options_.rank);
  return add((*base_)(x), (*up_)((*down_)(in)), scale);
}

std::string LoraLinear::describe() const {
  return fmt::format("rank={}, alpha={}, dropout={}", options_.rank, options_.alpha,
                     options_.dropout);
}

}  // namespace iolaus::nn
