// The trainer's state into checkpoints and back.
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/trainer/hooks.h"

namespace iolaus::nn {
namespace {

// "momentum" of the second optimizer is "optimizer1.momentum".
std::string optimizer_prefix(size_t index) {
  return index == 0 ? "" : fmt::format("optimizer{}.", index);
}

std::map<std::string, Tensor> with_prefix(const std::map<std::string, Tensor>& all,
                                          const std::string& prefix) {
  std::map<std::string, Tensor> part;
  for (const auto& [name, tensor] : all) {
    if (prefix.empty() && !name.starts_with("optimizer")) part[name] = tensor;
    if (!prefix.empty() && name.starts_with(prefix)) part[name.substr(prefix.size())] = tensor;
  }
  return part;
}

}  // namespace

Checkpoint Trainer::dump_checkpoint() {
  check_finite();
  Checkpoint c;
  c.model = module_->checkpointed().state_dict();
  c.epoch = epoch_complete_ ? epoch_ + 1 : epoch_;
  c.batch = epoch_complete_ ? 0 : batch_;
  if (c.batch != 0 && pass_) c.stream = pass_->state();
  c.validation_due = validation_due_ || (evaluating_ && stage_ == Stage::kFit && !sanity_checking_);
  c.evaluated = evaluated_;
  c.global_step = global_step_;
  c.batches_that_stepped = batches_that_stepped_;
  c.total_batches = total_batches_;
  c.seconds = seconds_before_ +
              std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  c.generator = default_generator().get_state();
  c.metrics = callback_metrics_;
  c.config = config_text;
  if (scaler_) c.scaler = scaler_->state_dict().dump();
  for (size_t i = 0; i < optimizers_.size(); ++i) {
    for (const auto& [name, tensor] : optimizers_[i].optimizer->state_dict()) {
      c.optimizer[optimizer_prefix(i) + name] = tensor;
    }
    c.optimizer_options.push_back(optimizers_[i].optimizer->options());
    for (const SchedulerConfig& s : optimizers_[i].schedulers) {
      c.schedulers.push_back(s.scheduler->state_dict().dump());
    }
  }
  if (c.batch != 0) {
    train_values_.save(c.trainer, "logged.");
    if (c.batch % options_.accumulate_grad_batches != 0) {
      for (const auto& [name, parameter] : module_->named_parameters()) {
        if (parameter.grad().defined()) c.trainer["grad." + name] = parameter.grad();
      }
    }
  }
  for (const auto& callback : callbacks_) {
    const nlohmann::json state = callback->state_dict();
    if (!state.is_null()) c.callbacks[callback->state_key()] = state.dump();
    callback->on_save_checkpoint(*this, *module_, c);
  }
  return c;
}

// Before on_fit_start: what callbacks begin with.
void Trainer::restore_model(const Checkpoint& c) {
  module_->checkpointed().load_state_dict(c.model);
  for (const auto& callback : callbacks_) {
    const auto found = c.callbacks.find(callback->state_key());
    if (found != c.callbacks.end()) {
      callback->load_state_dict(nlohmann::json::parse(found->second));
    }
    callback->on_load_checkpoint(*this, *module_, c);
  }
}

void Trainer::restore_training(const Checkpoint& c) {
  IOLAUS_CHECK(c.optimizer_options.size() == optimizers_.size(),
               "[Trainer] the checkpoint has {} optimizers, the module {}",
               c.optimizer_options.size(), optimizers_.size());
  size_t scheduler = 0;
  for (size_t i = 0; i < optimizers_.size(); ++i) {
    optimizers_[i].optimizer->load_state_dict(with_prefix(c.optimizer, optimizer_prefix(i)));
    for (const SchedulerConfig& s : optimizers_[i].schedulers) {
      IOLAUS_CHECK(scheduler < c.schedulers.size(),
                   "[Trainer] the checkpoint has {} schedules, the module has more",
                   c.schedulers.size());
      s.scheduler->load_state_dict(nlohmann::json::parse(c.schedulers[scheduler++]));
    }
    optimizers_[i].optimizer->set_options(c.optimizer_options[i]);
  }
  if (scaler_ && !c.scaler.empty()) scaler_->load_state_dict(nlohmann::json::parse(c.scaler));
  epoch_ = c.epoch;
  batch_ = c.batch;
  validation_due_ = c.validation_due;
  evaluated_ = c.evaluated;
  stream_state_ = c.stream;
  global_step_ = c.global_step;
  batches_that_stepped_ = c.batches_that_stepped;
  total_batches_ = c.total_batches;
  seconds_before_ = c.seconds;
  callback_metrics_ = c.metrics;
  std::map<std::string, Tensor> on_device;
  for (const auto& [name, tensor] : c.trainer) on_device[name] = to(tensor, device_);
  train_values_.restore(on_device, "logged.");
  for (const auto& [name, parameter] : module_->named_parameters()) {
    const auto grad = on_device.find("grad." + name);
    if (grad != on_device.end()) parameter.set_grad(grad->second);
  }
  default_generator().set_state(c.generator);
}

std::string Trainer::resolve_checkpoint(const std::string& ckpt_path) const {
  if (ckpt_path != "best" && ckpt_path != "last") return ckpt_path;
  const ModelCheckpoint* checkpoints = checkpoint_callback();
  IOLAUS_CHECK(checkpoints != nullptr, "[Trainer] ckpt_path '{}' needs a ModelCheckpoint callback",
               ckpt_path);
  if (ckpt_path == "last") {
    return checkpoints->last_model_path().empty() ? checkpoints->directory(*this)
                                                  : checkpoints->last_model_path();
  }
  IOLAUS_CHECK_CODE(!checkpoints->best_model_path().empty(), ErrorCode::kNotFound,
                    "[Trainer] ckpt_path 'best': no checkpoint was saved yet");
  return checkpoints->best_model_path();
}

void Trainer::load_weights_from(const std::string& ckpt_path) {
  if (ckpt_path.empty()) return;
  module_->checkpointed().load_state_dict(load_checkpoint(resolve_checkpoint(ckpt_path)).model);
}

}  // namespace iolaus::nn
