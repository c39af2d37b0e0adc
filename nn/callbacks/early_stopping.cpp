// When to stop, as Lightning's EarlyStopping decides it.
#include "nn/callbacks/early_stopping.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/near_names.h"
#include "core/warning.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(std::move(options)) {
  IOLAUS_CHECK(!options_.monitor.empty(), "[EarlyStopping] monitor must name a metric");
  IOLAUS_CHECK(options_.mode == "min" || options_.mode == "max",
               "[EarlyStopping] mode must be 'min' or 'max', got '{}'", options_.mode);
}

std::string EarlyStopping::state_key() const {
  return fmt::format("EarlyStopping{{monitor={}, mode={}}}", options_.monitor, options_.mode);
}

bool EarlyStopping::is_better(double a, double b) const {
  const double delta = std::abs(options_.min_delta);
  return options_.mode == "min" ? a < b - delta : a > b + delta;
}

void EarlyStopping::on_evaluation_end(Trainer& trainer, LightningModule&, Stage stage) {
  if (options_.check_on_train_epoch_end || stage != Stage::kValidate ||
      trainer.stage() != Stage::kFit || trainer.sanity_checking()) {
    return;
  }
  check(trainer);
}

void EarlyStopping::on_train_epoch_end(Trainer& trainer, LightningModule&) {
  if (options_.check_on_train_epoch_end) check(trainer);
}

void EarlyStopping::check(Trainer& trainer) {
  const Metrics& metrics = trainer.callback_metrics();
  const auto found = metrics.find(options_.monitor);
  if (found == metrics.end()) {
    std::vector<std::string> known;
    for (const auto& [name, value] : metrics) known.push_back(name);
    const std::string message =
        fmt::format("[EarlyStopping] nothing has logged the monitored '{}'.{}", options_.monitor,
                    did_you_mean(options_.monitor, known));
    IOLAUS_CHECK_CODE(!options_.strict, ErrorCode::kNotFound, "{}", message);
    warn("{}", message);
    return;
  }
  const double value = found->second;
  const auto passes = [&](double a, double b) { return options_.mode == "min" ? a < b : a > b; };
  std::string reason;
  if (options_.check_finite && !std::isfinite(value)) {
    reason = fmt::format("{} is {}", options_.monitor, value);
  } else if (options_.stopping_threshold && passes(value, *options_.stopping_threshold)) {
    reason = fmt::format("{} = {:.4g} is past stopping_threshold {:.4g}", options_.monitor, value,
                         *options_.stopping_threshold);
  } else if (options_.divergence_threshold && passes(-value, -*options_.divergence_threshold)) {
    reason = fmt::format("{} = {:.4g} is past divergence_threshold {:.4g}", options_.monitor, value,
                         *options_.divergence_threshold);
  } else if (!best_ || is_better(value, *best_)) {
    if (options_.verbose) spdlog::info("{} improved to {:.4g}", options_.monitor, value);
    best_ = value;
    wait_count_ = 0;
  } else if (++wait_count_ >= options_.patience) {
    reason = fmt::format("{} did not improve in the last {} checks; the best was {:.4g}",
                         options_.monitor, wait_count_, *best_);
  }
  if (reason.empty()) return;
  trainer.should_stop = true;
  stopped_epoch_ = trainer.current_epoch();
  if (options_.verbose) spdlog::info("early stopping: {}", reason);
}

nlohmann::json EarlyStopping::state_dict() const {
  nlohmann::json state{{"wait_count", wait_count_},
                       {"stopped_epoch", stopped_epoch_},
                       {"patience", options_.patience}};
  if (best_) state["best_score"] = *best_;
  return state;
}

void EarlyStopping::load_state_dict(const nlohmann::json& state) {
  state.at("wait_count").get_to(wait_count_);
  state.at("stopped_epoch").get_to(stopped_epoch_);
  if (state.contains("best_score")) best_ = state.at("best_score").get<double>();
}

}  // namespace iolaus::nn
