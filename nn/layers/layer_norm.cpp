// LayerNorm, RMSNorm, GroupNorm, LocalResponseNorm, and their names in configs.
#include "nn/layers/layer_norm.h"

#include "autograd/ops/pool.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

const config::Param kShape{"normalized_shape", P::kInts, "sizes of the last dimensions"};
const config::Register<LayerNorm, Module> kLayerNorm{
    names("LayerNorm"),
    "normalisation over the last dimensions",
    {kShape,
     {"eps", P::kFloat, "added to the variance", 1e-5},
     {"elementwise_affine", P::kBool, "scales and shifts by trained weights", true},
     {"bias", P::kBool, "shifts", true}},
    [](const Args& a) {
      return std::make_shared<LayerNorm>(a.get<std::vector<int64_t>>("normalized_shape"),
                                         a.get<double>("eps"), a.get<bool>("elementwise_affine"),
                                         a.get<bool>("bias"));
    }};
const config::Register<RMSNorm, Module> kRmsNorm{
    names("RMSNorm"),
    "division by the root of the mean square over the last dimensions",
    {kShape,
     {"eps", P::kFloat, "added to the mean square; null: the dtype's epsilon", nullptr},
     {"elementwise_affine", P::kBool, "scales by trained weights", true}},
    [](const Args& a) {
      return std::make_shared<RMSNorm>(a.get<std::vector<int64_t>>("normalized_shape"),
                                       a.get<std::optional<double>>("eps"),
                                       a.get<bool>("elementwise_affine"));
    }};
const config::Register<GroupNorm, Module> kGroupNorm{
    names("GroupNorm"),
    "normalisation over groups of channels",
    {{"num_groups", P::kInt, "groups"},
     {"num_channels", P::kInt, "channels"},
     {"eps", P::kFloat, "added to the variance", 1e-5},
     {"affine", P::kBool, "scales and shifts by trained weights", true}},
    [](const Args& a) {
      return std::make_shared<GroupNorm>(a.get<int64_t>("num_groups"),
                                         a.get<int64_t>("num_channels"), a.get<double>("eps"),
                                         a.get<bool>("affine"));
    }};

const auto kLocalResponse =
    function("LocalResponseNorm", "division by a power of the neighbouring channels' mean square",
             {{"size", P::kInt, "channels"},
              {"alpha", P::kFloat, "factor of the mean square", 1e-4},
              {"beta", P::kFloat, "the power", 0.75},
              {"k", P::kFloat, "added", 1.0}},
             [](const Args& a) -> Fn {
               const int64_t size = a.get<int64_t>("size");
               const double alpha = a.get<double>("alpha"), beta = a.get<double>("beta"),
                            k = a.get<double>("k");
               return [=](const Tensor& x) { return local_response_norm(x, size, alpha, beta, k); };
             });

}  // namespace

LayerNorm::LayerNorm(const Dims& normalized_shape, double eps, bool affine, bool bias)
    : shape_(normalized_shape), eps_(eps) {
  register_parameter("weight", weight_, affine ? ones(shape_) : Tensor());
  register_parameter("bias", bias_, affine && bias ? zeros(shape_) : Tensor());
}

std::string LayerNorm::describe() const { return fmt::format("{}, eps={}", shape_.str(), eps_); }

RMSNorm::RMSNorm(const Dims& normalized_shape, std::optional<double> eps, bool affine)
    : shape_(normalized_shape), eps_(eps) {
  register_parameter("weight", weight_, affine ? ones(shape_) : Tensor());
}

std::string RMSNorm::describe() const {
  return fmt::format("{}, eps={}", shape_.str(), eps_ ? fmt::format("{}", *eps_) : "None");
}

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, double eps, bool affine)
    : groups_(num_groups), channels_(num_channels), eps_(eps) {
  IOLAUS_CHECK(groups_ > 0 && channels_ % groups_ == 0,
               "[GroupNorm] {} channels do not divide into {} groups", channels_, groups_);
  register_parameter("weight", weight_, affine ? ones({channels_}) : Tensor());
  register_parameter("bias", bias_, affine ? zeros({channels_}) : Tensor());
}

std::string GroupNorm::describe() const {
  return fmt::format("{}, {}, eps={}", groups_, channels_, eps_);
}

}  // namespace iolaus::nn
