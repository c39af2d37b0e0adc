// Losses' names in configs.
#include "nn/loss.h"

#include "config/instantiate.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

Reduction reduction(const config::Args& a) {
  const std::string name = a.get<std::string>("reduction");
  if (name == "mean") return Reduction::kMean;
  if (name == "sum") return Reduction::kSum;
  if (name != "none") a.fail_about("reduction", "expected 'mean', 'sum' or 'none', got " + name);
  return Reduction::kNone;
}

const config::Param kReduction{"reduction", P::kString, "mean, sum or none", "mean"};

const config::Register<CrossEntropyLoss, Loss> kCrossEntropy{
    {"iolaus.nn.CrossEntropyLoss", "torch.nn.CrossEntropyLoss"},
    "-log softmax(output)[target]",
    {{"weight", P::kFloats, "weight of each class", nullptr},
     {"ignore_index", P::kInt, "target that does not count", -100},
     kReduction,
     {"label_smoothing", P::kFloat, "share of the target that is spread over all classes", 0.0}},
    [](const config::Args& a) {
      CrossEntropyOptions options{.reduction = reduction(a),
                                  .ignore_index = a.get<int64_t>("ignore_index"),
                                  .label_smoothing = a.get<double>("label_smoothing")};
      if (a.has("weight")) {
        const auto values = a.get<std::vector<double>>("weight");
        options.weight = from_values(std::vector<float>(values.begin(), values.end()),
                                     {static_cast<int64_t>(values.size())});
      }
      return std::make_shared<CrossEntropyLoss>(std::move(options));
    }};

const config::Register<MSELoss, Loss> kMse{
    {"iolaus.nn.MSELoss", "torch.nn.MSELoss"},
    "mean squared error",
    {kReduction},
    [](const config::Args& a) { return std::make_shared<MSELoss>(reduction(a)); }};

}  // namespace
}  // namespace iolaus::nn
