// ReduceLROnPlateau.
#include "nn/optim/plateau.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace iolaus::nn {
namespace {

double worst(bool maximize) {
  return maximize ? -std::numeric_limits<double>::infinity()
                  : std::numeric_limits<double>::infinity();
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(std::shared_ptr<Optimizer> optimizer, PlateauOptions options)
    : Scheduler(std::move(optimizer)),
      options_(std::move(options)),
      best_(worst(options_.maximize)) {
  IOLAUS_CHECK(options_.factor < 1, "[ReduceLROnPlateau] expected a factor below 1, got {}",
               options_.factor);
  const size_t groups = base_lrs_.size();
  if (options_.min_lr.size() == 1) options_.min_lr.resize(groups, options_.min_lr[0]);
  IOLAUS_CHECK(options_.min_lr.size() == groups,
               "[ReduceLROnPlateau] expected min_lr for each of {} groups, got {}", groups,
               options_.min_lr.size());
  last_epoch_ = 0;
}

void ReduceLROnPlateau::advance() {
  fail(ErrorCode::kInvalidArgument, "[ReduceLROnPlateau] step needs the metric that is watched");
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double t = options_.threshold;
  if (options_.maximize) return metric > (options_.relative ? best_ * (1 + t) : best_ + t);
  return metric < (options_.relative ? best_ * (1 - t) : best_ - t);
}

void ReduceLROnPlateau::advance_with(double metric) {
  ++last_epoch_;
  if (is_better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_counter_ > 0) {
    --cooldown_counter_;
    bad_epochs_ = 0;
  }
  std::vector<double> all = current();
  if (bad_epochs_ > options_.patience) {
    for (size_t i = 0; i < all.size(); ++i) {
      const double lower = std::max(all[i] * options_.factor, options_.min_lr[i]);
      if (all[i] - lower > options_.eps) all[i] = lower;
    }
    cooldown_counter_ = options_.cooldown;
    bad_epochs_ = 0;
  }
  apply(all);
}

void ReduceLROnPlateau::restart() {
  best_ = worst(options_.maximize);
  bad_epochs_ = cooldown_counter_ = last_epoch_ = 0;
}

nlohmann::json ReduceLROnPlateau::state_dict() const {
  nlohmann::json state = Scheduler::state_dict();
  state["best"] = std::isinf(best_) ? nlohmann::json() : nlohmann::json(best_);
  state["num_bad_epochs"] = bad_epochs_;
  state["cooldown_counter"] = cooldown_counter_;
  return state;
}

void ReduceLROnPlateau::load(const nlohmann::json& state) {
  Scheduler::load(state);
  const nlohmann::json& best = state.at("best");
  best_ = best.is_null() ? worst(options_.maximize) : best.get<double>();
  state.at("num_bad_epochs").get_to(bad_epochs_);
  state.at("cooldown_counter").get_to(cooldown_counter_);
}

}  // namespace iolaus::nn
