// BatchNorm1d, BatchNorm2d and LayerNorm, and their names in configs.
#include "nn/layers/norm.h"

#include "autograd/grad_mode.h"
#include "config/instantiate.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

template <int kRank> std::shared_ptr<BatchNorm> make_batch_norm(const config::Args& a) {
  return std::make_shared<BatchNorm>(kRank == 1 ? "BatchNorm1d" : "BatchNorm2d",
                                     a.get<int64_t>("num_features"), a.get<double>("eps"),
                                     a.get<double>("momentum"), a.get<bool>("affine"),
                                     a.get<bool>("track_running_stats"));
}
std::vector<config::Param> batch_norm_params() {
  return {{"num_features", P::kInt, "channels"},
          {"eps", P::kFloat, "added to the variance", 1e-5},
          {"momentum", P::kFloat, "step of the running statistics", 0.1},
          {"affine", P::kBool, "scales and shifts by trained weights", true},
          {"track_running_stats", P::kBool, "keeps statistics for evaluation", true}};
}
const config::Register<BatchNorm, Module> kBatchNorm1d{
    {"iolaus.nn.BatchNorm1d", "torch.nn.BatchNorm1d"},
    "batch normalisation of (N, C) or (N, C, L)",
    batch_norm_params(),
    make_batch_norm<1>};
const config::Register<BatchNorm, Module> kBatchNorm2d{
    {"iolaus.nn.BatchNorm2d", "torch.nn.BatchNorm2d"},
    "batch normalisation of (N, C, H, W)",
    batch_norm_params(),
    make_batch_norm<2>};

const config::Register<LayerNorm, Module> kLayerNorm{
    {"iolaus.nn.LayerNorm", "torch.nn.LayerNorm"},
    "normalisation over the last dimensions",
    {{"normalized_shape", P::kInts, "sizes of the last dimensions"},
     {"eps", P::kFloat, "added to the variance", 1e-5},
     {"elementwise_affine", P::kBool, "scales and shifts by trained weights", true},
     {"bias", P::kBool, "shifts", true}},
    [](const config::Args& a) {
      return std::make_shared<LayerNorm>(a.get<std::vector<int64_t>>("normalized_shape"),
                                         a.get<double>("eps"), a.get<bool>("elementwise_affine"),
                                         a.get<bool>("bias"));
    }};

}  // namespace

BatchNorm::BatchNorm(std::string type, int64_t num_features, double eps, double momentum,
                     bool affine, bool track_running_stats)
    : type_(std::move(type)), features_(num_features), eps_(eps), momentum_(momentum) {
  weight_ = register_parameter("weight", affine ? ones({features_}) : Tensor());
  bias_ = register_parameter("bias", affine ? zeros({features_}) : Tensor());
  if (!track_running_stats) return;
  running_mean_ = register_buffer("running_mean", zeros({features_}));
  running_var_ = register_buffer("running_var", ones({features_}));
  batches_ = register_buffer("num_batches_tracked", zeros({}, {.dtype = kInt64}));
}

Tensor BatchNorm::forward(const Tensor& x) {
  const bool rank_fits = type_ == "BatchNorm1d" ? x.dim() == 2 || x.dim() == 3 : x.dim() == 4;
  IOLAUS_CHECK(rank_fits && x.size(1) == features_, "[{}] expected {} with {} channels, got {}",
               type_, type_ == "BatchNorm1d" ? "(N, C) or (N, C, L)" : "(N, C, H, W)", features_,
               x.describe());
  if (is_training() && batches_.defined()) {
    const NoGrad no_grad;
    add_(batches_, 1);
  }
  const bool use_batch = is_training() || !running_mean_.defined();
  return batch_norm(x, running_mean_, running_var_, weight_, bias_, use_batch, momentum_, eps_);
}

std::string BatchNorm::describe() const {
  return fmt::format("{}, eps={}, momentum={}", features_, eps_, momentum_);
}

LayerNorm::LayerNorm(Dims normalized_shape, double eps, bool affine, bool bias)
    : shape_(normalized_shape), eps_(eps) {
  weight_ = register_parameter("weight", affine ? ones(shape_) : Tensor());
  bias_ = register_parameter("bias", affine && bias ? zeros(shape_) : Tensor());
}

std::string LayerNorm::describe() const { return fmt::format("{}, eps={}", shape_.str(), eps_); }

}  // namespace iolaus::nn
