// SequentialLR and ChainedScheduler.
#include "nn/optim/combined.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace iolaus::nn {
namespace {

nlohmann::json states_of(const Schedulers& schedulers) {
  nlohmann::json states = nlohmann::json::array();
  for (const auto& s : schedulers) states.push_back(s->state_dict());
  return states;
}

void load_states(const Schedulers& schedulers, const nlohmann::json& states, const char* name) {
  IOLAUS_CHECK(states.size() == schedulers.size(), "[{}] {} schedulers, but states of {}", name,
               schedulers.size(), states.size());
  for (size_t i = 0; i < schedulers.size(); ++i) schedulers[i]->load_state_dict(states[i]);
}

void check_schedulers(const Schedulers& schedulers, const char* name) {
  IOLAUS_CHECK(!schedulers.empty(), "[{}] expected at least one scheduler", name);
  for (const auto& s : schedulers) {
    IOLAUS_CHECK(s != nullptr && !s->needs_metric(),
                 "[{}] takes no scheduler that needs a metric, got {}", name,
                 s ? s->type_name() : "null");
  }
}

}  // namespace

SequentialLR::SequentialLR(std::shared_ptr<Optimizer> optimizer, Schedulers schedulers,
                           std::vector<int64_t> milestones)
    : Scheduler(std::move(optimizer)),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  check_schedulers(schedulers_, "SequentialLR");
  for (const auto& s : schedulers_) {
    IOLAUS_CHECK(s->optimizer_ == optimizer_, "[SequentialLR] {} has another optimizer",
                 s->type_name());
  }
  IOLAUS_CHECK(milestones_.size() + 1 == schedulers_.size(),
               "[SequentialLR] expected one milestone less than {} schedulers, got {}",
               schedulers_.size(), milestones_.size());
  SequentialLR::begin_turn();
}

size_t SequentialLR::turn() const {
  return static_cast<size_t>(std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_) -
                             milestones_.begin());
}

void SequentialLR::advance() {
  ++step_count_;
  ++last_epoch_;
  const size_t now = turn();
  if (now > 0 && milestones_[now - 1] == last_epoch_) {
    schedulers_[now]->begin_turn();
  } else {
    schedulers_[now]->advance();
  }
  last_lr_ = current();
}

void SequentialLR::undo() {
  for (const auto& s : schedulers_) s->undo();
}

void SequentialLR::restart() {
  const std::vector<double> first = current();
  for (const auto& s : schedulers_) s->restart();
  undo();
  // Each has set its first rates; only those of the one whose turn it is count.
  apply(first);
  last_epoch_ = 0;
  schedulers_[turn()]->restart();
  last_lr_ = current();
}

void SequentialLR::begin_turn() {
  std::vector<double> first;
  for (const ParamGroup& group : optimizer_->groups()) {
    first.push_back(group.options.at("initial_lr"));
  }
  apply(first);
  restart();
}

nlohmann::json SequentialLR::state_dict() const {
  nlohmann::json state = Scheduler::state_dict();
  state["_milestones"] = milestones_;
  state["_schedulers"] = states_of(schedulers_);
  return state;
}

void SequentialLR::load(const nlohmann::json& state) {
  Scheduler::load(state);
  state.at("_milestones").get_to(milestones_);
  load_states(schedulers_, state.at("_schedulers"), "SequentialLR");
}

ChainedScheduler::ChainedScheduler(std::shared_ptr<Optimizer> optimizer, Schedulers schedulers)
    : Scheduler(std::move(optimizer)), schedulers_(std::move(schedulers)) {
  check_schedulers(schedulers_, "ChainedScheduler");
  for (const auto& s : schedulers_) {
    IOLAUS_CHECK(s->optimizer_ == optimizer_, "[ChainedScheduler] {} has another optimizer",
                 s->type_name());
  }
  last_epoch_ = 0;
}

void ChainedScheduler::advance() {
  ++step_count_;
  ++last_epoch_;
  for (const auto& s : schedulers_) s->advance();
  last_lr_ = current();
}

void ChainedScheduler::undo() {
  --last_epoch_;
  for (const auto& s : schedulers_) s->undo();
}

void ChainedScheduler::restart() {
  for (const auto& s : schedulers_) s->restart();
  last_epoch_ = 0;
  last_lr_ = current();
}

void ChainedScheduler::begin_turn() {
  apply(base_lrs_);
  restart();
}

nlohmann::json ChainedScheduler::state_dict() const {
  nlohmann::json state = Scheduler::state_dict();
  state["_schedulers"] = states_of(schedulers_);
  return state;
}

void ChainedScheduler::load(const nlohmann::json& state) {
  Scheduler::load(state);
  load_states(schedulers_, state.at("_schedulers"), "ChainedScheduler");
}

}  // namespace iolaus::nn
