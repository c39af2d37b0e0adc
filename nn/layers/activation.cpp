// Layers without parameters: activations, Dropout, Flatten, Identity, Softmax. Each is a name in
// the config for a function of autograd/ops.
#include "config/instantiate.h"
#include "nn/layers/function.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
using config::Args;

using Layer = config::Register<FunctionLayer, Module>;

// A layer of a function without arguments.
Layer simple(const char* name, const char* doc, Tensor (*fn)(const Tensor&)) {
  return {{std::string("iolaus.nn.") + name, std::string("torch.nn.") + name},
          doc,
          {{"inplace", P::kBool, "accepted for PyTorch's sake; results are new tensors", false}},
          [name, fn](const Args&) { return std::make_shared<FunctionLayer>(name, "", fn); }};
}

const Layer kRelu = simple("ReLU", "max(x, 0)", relu);
const Layer kTanh = simple("Tanh", "tanh x", tanh);
const Layer kSigmoid = simple("Sigmoid", "1 / (1 + e^-x)", sigmoid);
const Layer kGelu = simple("GELU", "x Phi(x), Phi the normal distribution function",
                           [](const Tensor& x) { return gelu(x); });
const Layer kSilu = simple("SiLU", "x sigmoid(x)", silu);
const Layer kSoftplus =
    simple("Softplus", "ln(1 + e^x)", [](const Tensor& x) { return softplus(x); });
const Layer kIdentity = simple("Identity", "x", [](const Tensor& x) { return x; });

const Layer kLeakyRelu{{"iolaus.nn.LeakyReLU", "torch.nn.LeakyReLU"},
                       "x for x > 0, else x times a slope",
                       {{"negative_slope", P::kFloat, "the slope", 0.01},
                        {"inplace", P::kBool, "accepted for PyTorch's sake", false}},
                       [](const Args& a) {
                         const double slope = a.get<double>("negative_slope");
                         return std::make_shared<FunctionLayer>(
                             "LeakyReLU", fmt::format("negative_slope={}", slope),
                             [slope](const Tensor& x) { return leaky_relu(x, slope); });
                       }};
const Layer kElu{{"iolaus.nn.ELU", "torch.nn.ELU"},
                 "x for x > 0, else alpha (e^x - 1)",
                 {{"alpha", P::kFloat, "the limit for x to -inf", 1.0},
                  {"inplace", P::kBool, "accepted for PyTorch's sake", false}},
                 [](const Args& a) {
                   const double alpha = a.get<double>("alpha");
                   return std::make_shared<FunctionLayer>(
                       "ELU", fmt::format("alpha={}", alpha),
                       [alpha](const Tensor& x) { return elu(x, alpha); });
                 }};
const Layer kSoftmax{{"iolaus.nn.Softmax", "torch.nn.Softmax"},
                     "softmax along a dimension",
                     {{"dim", P::kInt, "the dimension"}},
                     [](const Args& a) {
                       const int64_t dim = a.get<int64_t>("dim");
                       return std::make_shared<FunctionLayer>(
                           "Softmax", fmt::format("dim={}", dim),
                           [dim](const Tensor& x) { return softmax(x, dim); });
                     }};
const Layer kFlatten{
    {"iolaus.nn.Flatten", "torch.nn.Flatten"},
    "dimensions start_dim to end_dim become one",
    {{"start_dim", P::kInt, "first dimension", 1}, {"end_dim", P::kInt, "last dimension", -1}},
    [](const Args& a) {
      const int64_t start = a.get<int64_t>("start_dim"), end = a.get<int64_t>("end_dim");
      return std::make_shared<FunctionLayer>(
          "Flatten", fmt::format("start_dim={}, end_dim={}", start, end),
          [=](const Tensor& x) { return flatten(x, start, end); });
    }};
const config::Register<Dropout, Module> kDropout{
    {"iolaus.nn.Dropout", "torch.nn.Dropout"},
    "zeros elements at random while training",
    {{"p", P::kFloat, "probability of zero", 0.5},
     {"inplace", P::kBool, "accepted for PyTorch's sake", false}},
    [](const Args& a) { return std::make_shared<Dropout>(a.get<double>("p")); }};

}  // namespace

Dropout::Dropout(double p) : p_(p) {
  IOLAUS_CHECK(p >= 0 && p <= 1, "[Dropout] expected p in [0, 1], got {}", p);
}

}  // namespace iolaus::nn
