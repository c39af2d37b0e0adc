// GradScaler.
#include "nn/optim/grad_scaler.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"
#include "nn/optim/clip.h"

namespace iolaus::nn {
namespace {

double as_float(double x) { return static_cast<double>(static_cast<float>(x)); }

}  // namespace

GradScaler::GradScaler(const GradScalerOptions& options)
    : options_(options), scale_(as_float(options.init_scale)) {
  IOLAUS_CHECK(!options.enabled || (options.growth_factor > 1 && options.backoff_factor < 1),
               "[GradScaler] expected growth_factor above 1 and backoff_factor below 1, got {} and "
               "{}",
               options.growth_factor, options.backoff_factor);
}

Tensor GradScaler::scale(const Tensor& loss) const {
  return options_.enabled ? loss * scale_ : loss;
}

void GradScaler::unscale_(Optimizer& optimizer) {
  if (!options_.enabled) return;
  Progress& progress = progress_[&optimizer];
  IOLAUS_CHECK(progress.stage == Stage::kReady,
               "[GradScaler] unscale_ was called for this optimizer already since the last update");
  Tensors params;
  for (const ParamGroup& group : optimizer.groups()) {
    for (const Tensor& p : group.params) {
      if (!p.grad().defined()) continue;
      IOLAUS_CHECK(p.grad().dtype() != kFloat16,
                   "[GradScaler] expected parameters in float32 (autocast casts them), got "
                   "gradients in float16");
      params.push_back(p);
    }
  }
  if (!params.empty()) {
    const TensorOptions options{.dtype = kFloat32, .device = params[0].grad().device()};
    progress.found_inf = zeros({}, options);
    iolaus::nn::unscale_(params, full({}, 1 / scale_, options), progress.found_inf);
  }
  progress.stage = Stage::kUnscaled;
}

bool GradScaler::step(Optimizer& optimizer) {
  if (!options_.enabled) {
    optimizer.step();
    return true;
  }
  Progress& progress = progress_[&optimizer];
  IOLAUS_CHECK(progress.stage != Stage::kStepped,
               "[GradScaler] step was called for this optimizer already since the last update");
  if (progress.stage == Stage::kReady) unscale_(optimizer);
  IOLAUS_CHECK(progress.found_inf.defined(),
               "[GradScaler] no parameter of the optimizer has a "
               "gradient");
  progress.stage = Stage::kStepped;
  if (progress.found_inf.item<float>() != 0) return false;
  optimizer.step();
  return true;
}

void GradScaler::update(std::optional<double> new_scale) {
  if (!options_.enabled) return;
  if (new_scale) {
    scale_ = as_float(*new_scale);
    progress_.clear();
    return;
  }
  bool found = false, checked = false;
  for (const auto& [optimizer, progress] : progress_) {
    if (!progress.found_inf.defined()) continue;
    checked = true;
    found = found || progress.found_inf.item<float>() != 0;
  }
  IOLAUS_CHECK(checked, "[GradScaler] update needs a step or an unscale_ before it");
  progress_.clear();
  if (found) {
    scale_ = as_float(scale_ * options_.backoff_factor);
    growth_tracker_ = 0;
  } else if (++growth_tracker_ == options_.growth_interval) {
    const double grown = as_float(scale_ * options_.growth_factor);
    if (std::isfinite(grown)) scale_ = grown;
    growth_tracker_ = 0;
  }
}

nlohmann::json GradScaler::state_dict() const {
  if (!options_.enabled) return nlohmann::json::object();
  return {{"scale", scale_},
          {"growth_factor", options_.growth_factor},
          {"backoff_factor", options_.backoff_factor},
          {"growth_interval", options_.growth_interval},
          {"_growth_tracker", growth_tracker_}};
}

void GradScaler::load_state_dict(const nlohmann::json& state) {
  if (!options_.enabled) return;
  try {
    const auto scale = state.at("scale").get<double>();
    GradScalerOptions options = options_;
    state.at("growth_factor").get_to(options.growth_factor);
    state.at("backoff_factor").get_to(options.backoff_factor);
    state.at("growth_interval").get_to(options.growth_interval);
    state.at("_growth_tracker").get_to(growth_tracker_);
    scale_ = scale;
    options_ = options;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kInvalidArgument, "[GradScaler] cannot read the state: {}", e.what());
  }
}

}  // namespace iolaus::nn
