// When to average, and the epoch for batch normalisation; after Lightning's
// stochastic_weight_avg.py (2.6). Unlike there, a module whose training ends before the first mean
// keeps its own weights.
#include "nn/callbacks/stochastic_weight_averaging.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "core/warning.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {
namespace {

constexpr const char* kPrefix = "swa.average.";

}  // namespace

StochasticWeightAveraging::StochasticWeightAveraging(WeightAveragingOptions options)
    : options_(std::move(options)) {
  IOLAUS_CHECK(
      options_.epoch_start.value_or(1) >= 1 && options_.share_start >= 0 &&
          options_.share_start <= 1,
      "[StochasticWeightAveraging] swa_epoch_start should be a >0 integer or a float "
      "between 0 and 1, got {}",
      options_.epoch_start ? static_cast<double>(*options_.epoch_start) : options_.share_start);
  IOLAUS_CHECK(
      !options_.swa_lrs.empty() && std::all_of(options_.swa_lrs.begin(), options_.swa_lrs.end(),
                                               [](double lr) { return lr > 0; }),
      "[StochasticWeightAveraging] swa_lrs should be a positive float, or a list of "
      "positive floats");
  IOLAUS_CHECK(options_.annealing_epochs >= 0,
               "[StochasticWeightAveraging] annealing_epochs must not be negative, got {}",
               options_.annealing_epochs);
}

// A fit begins anew, unless a checkpoint follows.
void StochasticWeightAveraging::setup(Trainer&, LightningModule&, Stage stage) {
  if (stage != Stage::kFit) return;
  n_averaged_ = 0;
  latest_update_epoch_ = -1;
  average_.clear();
  scheduler_state_.clear();
}

void StochasticWeightAveraging::on_fit_start(Trainer& trainer, LightningModule& module) {
  auto& optimizers = trainer.optimizers();
  IOLAUS_CHECK(optimizers.size() == 1,
               "[StochasticWeightAveraging] works with one optimizer, there are {}",
               optimizers.size());
  IOLAUS_CHECK(optimizers[0].schedulers.size() <= 1,
               "[StochasticWeightAveraging] is not supported for more than one schedule, there are "
               "{}",
               optimizers[0].schedulers.size());
  const size_t groups = optimizers[0].optimizer->groups().size();
  IOLAUS_CHECK(options_.swa_lrs.size() == 1 || options_.swa_lrs.size() == groups,
               "[StochasticWeightAveraging] expected swa_lrs for each of {} groups, got {}", groups,
               options_.swa_lrs.size());
  max_epochs_ = trainer.options().max_epochs;
  IOLAUS_CHECK(options_.epoch_start || max_epochs_ != -1,
               "[StochasticWeightAveraging] swa_epoch_start as a float is not supported when "
               "max_epochs=-1; give it as an integer");
  const int64_t first = options_.epoch_start.value_or(
      static_cast<int64_t>(static_cast<double>(max_epochs_) * options_.share_start));
  start_ = std::max<int64_t>(first - 1, 0);
  scheduler_.reset();
  if (has_batch_norm(module) && max_epochs_ != -1) {
    extra_epochs_ = 1;
    trainer.set_max_epochs(max_epochs_ + 1);
  }
  // The checkpoint's schedule is ours, and comes back where averaging goes on.
  if (!scheduler_state_.empty()) optimizers[0].schedulers.clear();
}

bool StochasticWeightAveraging::averages_in(int64_t epoch) const {
  return epoch >= start_ && (max_epochs_ == -1 || epoch < max_epochs_);
}

// Our schedule in the place of the module's.
void StochasticWeightAveraging::begin(Trainer& trainer) {
  OptimizerConfig& config = trainer.optimizers()[0];
  const std::vector<double>& rates = options_.swa_lrs;
  for (size_t i = 0; i < config.optimizer->groups().size(); ++i) {
    config.optimizer->groups()[i].options["initial_lr"] = rates[rates.size() == 1 ? 0 : i];
  }
  scheduler_ =
      std::make_shared<SWALR>(config.optimizer, rates, options_.annealing_epochs, options_.linear);
  if (!scheduler_state_.empty()) {
    scheduler_->load_state_dict(nlohmann::json::parse(scheduler_state_));
  } else if (trainer.current_epoch() != start_) {
    warn("[StochasticWeightAveraging] begins after epoch {} without a checkpoint's state", start_);
  }
  if (!config.schedulers.empty()) {
    const SchedulerConfig& old = config.schedulers[0];
    if (old.interval != "epoch" || old.frequency != 1) {
      warn(
          "[StochasticWeightAveraging] takes the place of a schedule with interval {} and "
          "frequency "
          "{}; it steps every epoch",
          old.interval, old.frequency);
    }
  }
  config.schedulers = {{scheduler_}};
}

void StochasticWeightAveraging::update(LightningModule& module) {
  const NoGrad no_grad;
  const Tensors parameters = module.parameters();
  average_.resize(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor own = parameters[i].detach();
    const Tensor now = to(own, options_.device.value_or(own.device()));
    average_[i] = n_averaged_ == 0
                      ? clone(now)
                      : average_[i] + (now - average_[i]) / static_cast<double>(n_averaged_ + 1);
  }
  ++n_averaged_;
}

void StochasticWeightAveraging::transfer(LightningModule& module) const {
  if (n_averaged_ == 0) return;
  const NoGrad no_grad;
  const Tensors parameters = module.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    copy_(parameters[i], to(average_[i], parameters[i].device()));
  }
}

void StochasticWeightAveraging::on_train_epoch_start(Trainer& trainer, LightningModule& module) {
  const int64_t epoch = trainer.current_epoch();
  if (averages_in(epoch)) {
    if (!scheduler_) begin(trainer);
    if (epoch <= latest_update_epoch_) return;
    update(module);
    latest_update_epoch_ = epoch;
  }
  if (extra_epochs_ == 0 || epoch != max_epochs_) return;
  transfer(module);
  // In an epoch that is resumed, the statistics of the first batches are there.
  collecting_ = std::make_unique<CollectBatchNorm>(module, trainer.batches_done() == 0);
  module.zero_grad();
  trainer.forward_only = true;
}

void StochasticWeightAveraging::on_train_epoch_end(Trainer& trainer, LightningModule&) {
  trainer.forward_only = false;
}

void StochasticWeightAveraging::on_train_end(Trainer& trainer, LightningModule& module) {
  if (extra_epochs_ == 0 && (max_epochs_ == -1 || trainer.current_epoch() == max_epochs_)) {
    transfer(module);
  }
  restore_epochs(trainer);
}

void StochasticWeightAveraging::on_exception(Trainer& trainer, LightningModule&,
                                             const std::string&) {
  restore_epochs(trainer);
}

void StochasticWeightAveraging::restore_epochs(Trainer& trainer) {
  collecting_.reset();
  trainer.forward_only = false;
  if (extra_epochs_ != 0) trainer.set_max_epochs(max_epochs_);
  extra_epochs_ = 0;
}

nlohmann::json StochasticWeightAveraging::state_dict() const {
  nlohmann::json state{{"n_averaged", n_averaged_},
                       {"latest_update_epoch", latest_update_epoch_},
                       {"scheduler_state", nullptr}};
  if (scheduler_) state["scheduler_state"] = scheduler_->state_dict();
  return state;
}

void StochasticWeightAveraging::load_state_dict(const nlohmann::json& state) {
  state.at("n_averaged").get_to(n_averaged_);
  state.at("latest_update_epoch").get_to(latest_update_epoch_);
  const nlohmann::json& scheduler = state.at("scheduler_state");
  scheduler_state_ = scheduler.is_null() ? "" : scheduler.dump();
}

void StochasticWeightAveraging::on_save_checkpoint(Trainer&, LightningModule&,
                                                   Checkpoint& checkpoint) {
  for (size_t i = 0; i < average_.size(); ++i) {
    checkpoint.trainer[fmt::format("{}{}", kPrefix, i)] = average_[i];
  }
}

void StochasticWeightAveraging::on_load_checkpoint(Trainer&, LightningModule& module,
                                                   const Checkpoint& checkpoint) {
  average_.clear();
  if (n_averaged_ == 0) return;
  const Tensors parameters = module.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto found = checkpoint.trainer.find(fmt::format("{}{}", kPrefix, i));
    IOLAUS_CHECK_CODE(
        found != checkpoint.trainer.end() && found->second.sizes() == parameters[i].sizes(),
        ErrorCode::kCorrupt,
        "[StochasticWeightAveraging] the checkpoint has no mean of parameter {} {}", i,
        parameters[i].describe());
    average_.push_back(to(found->second, options_.device.value_or(parameters[i].device())));
  }
}

}  // namespace iolaus::nn
