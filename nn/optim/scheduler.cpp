// What all schedules share.
#include "nn/optim/scheduler.h"

#include <nlohmann/json.hpp>

namespace iolaus::nn {

Scheduler::Scheduler(std::shared_ptr<Optimizer> optimizer) : optimizer_(std::move(optimizer)) {
  IOLAUS_CHECK(optimizer_ != nullptr, "[scheduler] expected an optimizer");
  for (ParamGroup& group : optimizer_->groups()) {
    group.options.emplace("initial_lr", group.options.at("lr"));
    base_lrs_.push_back(group.options.at("initial_lr"));
  }
  last_lr_ = current();
}

std::vector<double> Scheduler::current() const {
  std::vector<double> all;
  for (const ParamGroup& group : optimizer_->groups()) all.push_back(group.options.at("lr"));
  return all;
}

std::vector<double> Scheduler::scaled(double factor) const {
  std::vector<double> all = current();
  for (double& rate : all) rate *= factor;
  return all;
}

std::vector<double> Scheduler::base_scaled(double factor) const {
  std::vector<double> all = base_lrs_;
  for (double& rate : all) rate *= factor;
  return all;
}

void Scheduler::apply(const std::vector<double>& rates) {
  IOLAUS_CHECK(rates.size() == optimizer_->groups().size(),
               "[{}] made for {} groups of parameters, but the optimizer has {}", type_name(),
               rates.size(), optimizer_->groups().size());
  for (size_t i = 0; i < rates.size(); ++i) optimizer_->groups()[i].options["lr"] = rates[i];
  last_lr_ = current();
}

void Scheduler::advance() {
  ++step_count_;
  ++last_epoch_;
  apply(rates());
}

void Scheduler::start() {
  step_count_ = 0;
  initial_ = true;
  advance();
  initial_ = false;
}

void Scheduler::restart() {
  last_epoch_ = -1;
  start();
}

void Scheduler::begin_turn() {
  last_epoch_ = 0;
  apply(closed_form());
}

void Scheduler::set_last_epoch(int64_t epoch) {
  apply(base_lrs_);
  restart();
  for (int64_t i = 0; i < epoch; ++i) advance();
}

nlohmann::json Scheduler::state_dict() const {
  return {{"last_epoch", last_epoch_},
          {"base_lrs", base_lrs_},
          {"_step_count", step_count_},
          {"_last_lr", last_lr_}};
}

void Scheduler::load_state_dict(const nlohmann::json& state) {
  try {
    load(state);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kInvalidArgument, "[{}] cannot read the state: {}", type_name(), e.what());
  }
}

void Scheduler::load(const nlohmann::json& state) {
  state.at("last_epoch").get_to(last_epoch_);
  state.at("base_lrs").get_to(base_lrs_);
  state.at("_step_count").get_to(step_count_);
  state.at("_last_lr").get_to(last_lr_);
}

}  // namespace iolaus::nn
