// Batch and instance normalisation, and their names in configs.
#include "nn/layers/batch_norm.h"

#include "autograd/grad_mode.h"
#include "autograd/ops/inplace.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

std::vector<config::Param> params(bool batch) {
  return {{"num_features", P::kInt, "channels"},
          {"eps", P::kFloat, "added to the variance", 1e-5},
          {"momentum", P::kAny, "step of the running statistics; null: their mean", 0.1},
          {"affine", P::kBool, "scales and shifts by trained weights", batch},
          {"track_running_stats", P::kBool, "keeps statistics for evaluation", batch}};
}
BatchNormOptions options(const Args& a) {
  return {.eps = a.get<double>("eps"),
          .momentum = a.get<std::optional<double>>("momentum"),
          .affine = a.get<bool>("affine"),
          .track_running_stats = a.get<bool>("track_running_stats")};
}

config::Register<BatchNorm, Module> batch(const std::string& type, const char* doc,
                                          bool process_group = false) {
  auto all = params(true);
  if (process_group) {
    all.emplace_back("process_group", P::kAny, "null: all processes", nullptr);
  }
  return {names(type), doc, std::move(all), [type](const Args& a) {
            return std::make_shared<BatchNorm>(type, a.get<int64_t>("num_features"), options(a));
          }};
}
const auto kBatch1d = batch("BatchNorm1d", "batch normalisation of (N, C) or (N, C, L)");
const auto kBatch2d = batch("BatchNorm2d", "batch normalisation of (N, C, H, W)");
const auto kBatch3d = batch("BatchNorm3d", "batch normalisation of (N, C, D, H, W)");
const auto kSync = batch("SyncBatchNorm", "batch normalisation; in one process BatchNorm", true);

template <int kRank> struct InstanceNormTarget {
  config::Register<InstanceNorm, Module> target{
      names(fmt::format("InstanceNorm{}d", kRank)), "normalisation of each channel of each image",
      params(false), [](const Args& a) {
        return std::make_shared<InstanceNorm>(kRank, a.get<int64_t>("num_features"), options(a));
      }};
};
const InstanceNormTarget<1> kInstance1d;
const InstanceNormTarget<2> kInstance2d;
const InstanceNormTarget<3> kInstance3d;

std::string describe_norm(int64_t features, const BatchNormOptions& o) {
  return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", features, o.eps,
                     o.momentum ? fmt::format("{}", *o.momentum) : "None",
                     o.affine ? "True" : "False", o.track_running_stats ? "True" : "False");
}

bool fits(const std::string& type, int64_t rank) {
  if (type == "BatchNorm1d") return rank == 2 || rank == 3;
  if (type == "BatchNorm2d") return rank == 4;
  if (type == "BatchNorm3d") return rank == 5;
  return rank >= 2;
}

}  // namespace

BatchNorm::BatchNorm(std::string type, int64_t num_features, const BatchNormOptions& options)
    : type_(std::move(type)), features_(num_features), options_(options) {
  register_parameter("weight", weight_, options.affine ? ones({features_}) : Tensor());
  register_parameter("bias", bias_, options.affine ? zeros({features_}) : Tensor());
  if (!options.track_running_stats) return;
  running_mean_ = register_buffer("running_mean", zeros({features_}));
  running_var_ = register_buffer("running_var", ones({features_}));
  batches_ = register_buffer("num_batches_tracked", zeros({}, {.dtype = kInt64}));
}

Tensor BatchNorm::forward(const Tensor& x) {
  IOLAUS_CHECK(fits(type_, x.dim()) && x.size(1) == features_,
               "[{}] expected {} with {} channels, got {}", type_,
               type_ == "BatchNorm1d"   ? "(N, C) or (N, C, L)"
               : type_ == "BatchNorm2d" ? "(N, C, H, W)"
               : type_ == "BatchNorm3d" ? "(N, C, D, H, W)"
                                        : "(N, C, ...)",
               features_, x.describe());
  double momentum = options_.momentum.value_or(0);
  if (is_training() && batches_.defined()) {
    const NoGrad no_grad;
    add_(batches_, 1);
    if (!options_.momentum) momentum = 1 / batches_.item<double>();
  }
  const bool use_batch = is_training() || !running_mean_.defined();
  return batch_norm(x, running_mean_, running_var_, weight_, bias_, use_batch, momentum,
                    options_.eps);
}

void BatchNorm::reset_running_stats() {
  if (!batches_.defined()) return;
  const NoGrad no_grad;
  fill_(running_mean_, 0);
  fill_(running_var_, 1);
  fill_(batches_, 0);
}

std::string BatchNorm::describe() const { return describe_norm(features_, options_); }

InstanceNorm::InstanceNorm(int rank, int64_t num_features, const BatchNormOptions& options)
    : rank_(rank), features_(num_features), options_(options) {
  register_parameter("weight", weight_, options.affine ? ones({features_}) : Tensor());
  register_parameter("bias", bias_, options.affine ? zeros({features_}) : Tensor());
  if (!options.track_running_stats) return;
  running_mean_ = register_buffer("running_mean", zeros({features_}));
  running_var_ = register_buffer("running_var", ones({features_}));
  register_buffer("num_batches_tracked", zeros({}, {.dtype = kInt64}));
}

Tensor InstanceNorm::forward(const Tensor& x) {
  IOLAUS_CHECK(x.dim() == rank_ + 1 || x.dim() == rank_ + 2,
               "[{}] expected {} or {} dimensions, got {}", type_name(), rank_ + 1, rank_ + 2,
               x.describe());
  const bool single = x.dim() == rank_ + 1;
  const Tensor in = single ? unsqueeze(x, 0) : x;
  IOLAUS_CHECK(!options_.affine || in.size(1) == features_, "[{}] expected {} channels, got {}",
               type_name(), features_, x.describe());
  const bool use_input = is_training() || !running_mean_.defined();
  const Tensor y = instance_norm(in, running_mean_, running_var_, weight_, bias_, use_input,
                                 options_.momentum.value_or(0), options_.eps);
  return single ? squeeze(y, 0) : y;
}

std::string InstanceNorm::describe() const { return describe_norm(features_, options_); }

}  // namespace iolaus::nn
