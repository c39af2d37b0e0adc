// OneCycleLR and CyclicLR.
#include "nn/optim/cyclic.h"

#include <cmath>
#include <numbers>

namespace iolaus::nn {
namespace {

// One number for each group.
void spread(std::vector<double>& values, const char* schedule, const char* name, size_t groups) {
  if (values.size() == 1) values.resize(groups, values[0]);
  IOLAUS_CHECK(values.size() == groups, "[{}] expected {} for each of {} groups, got {}", schedule,
               name, groups, values.size());
}

void prepare(MomentumCycle& cycle, const char* schedule, const Optimizer& optimizer,
             size_t groups) {
  if (!cycle.cycle_momentum) return;
  IOLAUS_CHECK(optimizer.has_option("momentum") || optimizer.has_option("beta1"),
               "[{}] cycle_momentum needs an optimizer with momentum or betas, not {}", schedule,
               optimizer.type_name());
  spread(cycle.base_momentum, schedule, "base_momentum", groups);
  spread(cycle.max_momentum, schedule, "max_momentum", groups);
}

void set_momentum(Optimizer& optimizer, size_t group, double value) {
  optimizer.groups()[group].options[optimizer.has_option("beta1") ? "beta1" : "momentum"] = value;
}

}  // namespace

OneCycleLR::OneCycleLR(std::shared_ptr<Optimizer> optimizer, OneCycleOptions options)
    : Scheduler(std::move(optimizer)), options_(std::move(options)) {
  const OneCycleOptions& o = options_;
  IOLAUS_CHECK(o.total_steps > 0, "[OneCycleLR] expected total_steps > 0, got {}", o.total_steps);
  IOLAUS_CHECK(o.pct_start >= 0 && o.pct_start <= 1,
               "[OneCycleLR] expected pct_start in [0, 1], got {}", o.pct_start);
  const size_t groups = base_lrs_.size();
  spread(options_.max_lr, "OneCycleLR", "max_lr", groups);
  prepare(options_.momentum, "OneCycleLR", *optimizer_, groups);
  const double steps = static_cast<double>(o.total_steps), up = o.pct_start * steps;
  phases_.push_back({up - 1, 0, 1, true, false});
  if (o.three_phase) phases_.push_back({2 * up - 2, 1, 0, false, true});
  phases_.push_back(o.three_phase ? Phase{steps - 1, 0, 2, true, true}
                                  : Phase{steps - 1, 1, 2, false, true});
  for (size_t i = 0; i < groups; ++i) {
    base_lrs_[i] = optimizer_->groups()[i].options["initial_lr"] = rate_at(i, 0);
  }
  start();
}

double OneCycleLR::rate_at(size_t group, double which) const {
  const double largest = options_.max_lr[group], first = largest / options_.div_factor;
  return which == 1 ? largest : which == 0 ? first : first / options_.final_div_factor;
}

double OneCycleLR::anneal(double from, double to, double part) const {
  if (options_.linear) return (to - from) * part + from;
  return to + (from - to) / 2 * (std::cos(std::numbers::pi * part) + 1);
}

std::vector<double> OneCycleLR::rates() {
  const double step = static_cast<double>(last_epoch());
  IOLAUS_CHECK(last_epoch() <= options_.total_steps,
               "[OneCycleLR] step {} is beyond the {} steps of the schedule", last_epoch(),
               options_.total_steps);
  size_t phase = 0;
  double begin = 0;
  while (phase + 1 < phases_.size() && step > phases_[phase].end) begin = phases_[phase++].end;
  const Phase& p = phases_[phase];
  const double part = (step - begin) / (p.end - begin);
  std::vector<double> all;
  for (size_t i = 0; i < base_lrs_.size(); ++i) {
    all.push_back(anneal(rate_at(i, p.from), rate_at(i, p.to), part));
    if (!options_.momentum.cycle_momentum) continue;
    const double low = options_.momentum.base_momentum[i];
    const double high = options_.momentum.max_momentum[i];
    set_momentum(*optimizer_, i,
                 anneal(p.momentum_from ? high : low, p.momentum_to ? high : low, part));
  }
  return all;
}

CyclicLR::CyclicLR(std::shared_ptr<Optimizer> optimizer, CyclicOptions options)
    : Scheduler(std::move(optimizer)), options_(std::move(options)) {
  CyclicOptions& o = options_;
  if (o.step_size_down == 0) o.step_size_down = o.step_size_up;
  IOLAUS_CHECK(o.step_size_up > 0 && o.step_size_down > 0,
               "[CyclicLR] expected step sizes above 0, got {} and {}", o.step_size_up,
               o.step_size_down);
  IOLAUS_CHECK(o.mode == "triangular" || o.mode == "triangular2" || o.mode == "exp_range",
               "[CyclicLR] expected mode triangular, triangular2 or exp_range, got '{}'", o.mode);
  const size_t groups = base_lrs_.size();
  spread(o.base_lr, "CyclicLR", "base_lr", groups);
  spread(o.max_lr, "CyclicLR", "max_lr", groups);
  prepare(o.momentum, "CyclicLR", *optimizer_, groups);
  total_ = static_cast<double>(o.step_size_up) + static_cast<double>(o.step_size_down);
  ratio_ = static_cast<double>(o.step_size_up) / total_;
  base_lrs_ = o.base_lr;
  start();
}

std::vector<double> CyclicLR::rates() {
  const double step = static_cast<double>(last_epoch());
  const double cycle = std::floor(1 + step / total_), x = 1 + step / total_ - cycle;
  const double height = x <= ratio_ ? x / ratio_ : (x - 1) / (ratio_ - 1);
  double scale = 1;
  if (options_.mode == "triangular2") scale = 1 / std::pow(2.0, cycle - 1);
  if (options_.mode == "exp_range") scale = std::pow(options_.gamma, step);
  std::vector<double> all;
  for (size_t i = 0; i < options_.base_lr.size(); ++i) {
    const double base = options_.base_lr[i];
    all.push_back(base + (options_.max_lr[i] - base) * height * scale);
    if (!options_.momentum.cycle_momentum) continue;
    const double low = options_.momentum.base_momentum[i];
    const double high = options_.momentum.max_momentum[i];
    set_momentum(*optimizer_, i, high - (high - low) * height * scale);
  }
  return all;
}

}  // namespace iolaus::nn
