// Schedules, and their names in configs (`optimizer` is handed over by the program).
#include "nn/optim/scheduler.h"

#include <cmath>
#include <numbers>

#include <nlohmann/json.hpp>

#include "config/instantiate.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

const config::Param kOptimizer{"optimizer", P::kObject, "whose rate; the program hands it over",
                               nullptr};

const config::Register<StepLR, Scheduler> kStep{
    {"iolaus.nn.StepLR", "torch.optim.lr_scheduler.StepLR"},
    "the rate times gamma every step_size epochs",
    {kOptimizer,
     {"step_size", P::kInt, "epochs between two changes"},
     {"gamma", P::kFloat, "the factor", 0.1}},
    [](const config::Args& a) {
      return std::make_shared<StepLR>(a.object<Optimizer>("optimizer"), a.get<int64_t>("step_size"),
                                      a.get<double>("gamma"));
    }};
const config::Register<CosineAnnealingLR, Scheduler> kCosine{
    {"iolaus.nn.CosineAnnealingLR", "torch.optim.lr_scheduler.CosineAnnealingLR"},
    "half a cosine from the first rate to eta_min",
    {kOptimizer,
     {"T_max", P::kInt, "epochs until eta_min"},
     {"eta_min", P::kFloat, "the lowest rate", 0.0}},
    [](const config::Args& a) {
      return std::make_shared<CosineAnnealingLR>(a.object<Optimizer>("optimizer"),
                                                 a.get<int64_t>("T_max"), a.get<double>("eta_min"));
    }};

}  // namespace

Scheduler::Scheduler(std::shared_ptr<Optimizer> optimizer) : optimizer_(std::move(optimizer)) {
  IOLAUS_CHECK(optimizer_ != nullptr, "[scheduler] expected an optimizer");
  for (const ParamGroup& group : optimizer_->groups()) initial_.push_back(group.options.at("lr"));
}

void Scheduler::step() { set_last_epoch(last_epoch_ + 1); }

void Scheduler::step(double) { step(); }

nlohmann::json Scheduler::state_dict() const { return {{"last_epoch", last_epoch_}}; }

void Scheduler::load_state_dict(const nlohmann::json& state) {
  set_last_epoch(state.at("last_epoch").get<int64_t>());
}

void Scheduler::set_last_epoch(int64_t epoch) {
  last_epoch_ = epoch;
  for (size_t i = 0; i < initial_.size(); ++i) {
    optimizer_->groups()[i].options["lr"] = rate(initial_[i], epoch);
  }
}

StepLR::StepLR(std::shared_ptr<Optimizer> optimizer, int64_t step_size, double gamma)
    : Scheduler(std::move(optimizer)), step_size_(step_size), gamma_(gamma) {
  IOLAUS_CHECK(step_size > 0, "[StepLR] expected step_size > 0, got {}", step_size);
}
double StepLR::rate(double initial, int64_t epoch) const {
  return initial * std::pow(gamma_, static_cast<double>(epoch / step_size_));
}

CosineAnnealingLR::CosineAnnealingLR(std::shared_ptr<Optimizer> optimizer, int64_t t_max,
                                     double eta_min)
    : Scheduler(std::move(optimizer)), t_max_(t_max), eta_min_(eta_min) {
  IOLAUS_CHECK(t_max > 0, "[CosineAnnealingLR] expected T_max > 0, got {}", t_max);
}
double CosineAnnealingLR::rate(double initial, int64_t epoch) const {
  const double angle = std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(t_max_);
  return eta_min_ + (initial - eta_min_) * (1 + std::cos(angle)) / 2;
}

}  // namespace iolaus::nn
