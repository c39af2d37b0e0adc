// The training loop. The order of hooks, of logging and of schedules is that of Lightning's
// fit_loop.py, training_epoch_loop.py and optimization/automatic.py (2.6).
#include <cmath>

#include "autograd/anomaly.h"
#include "autograd/autocast.h"
#include "autograd/ops.h"
#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/optim/clip.h"
#include "nn/trainer/hooks.h"
#include "nn/trainer/signals.h"

namespace iolaus::nn {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string which(const data::Batch& batch, int64_t batch_idx, int64_t epoch) {
  std::string samples;
  for (size_t i = 0; i < batch.indices.size() && i < 8; ++i) {
    samples += fmt::format("{}{}", i ? ", " : "", batch.indices[i]);
  }
  if (batch.indices.size() > 8) samples += ", ...";
  return fmt::format("batch {} of epoch {} (samples {})", batch_idx, epoch, samples);
}

}  // namespace

const data::DataLoader* Trainer::training_loader() {
  const data::DataLoader* loader = data_->train_loader();
  IOLAUS_CHECK(loader != nullptr, "[Trainer] there is no training data");
  if (options_.overfit_batches.is_zero()) return loader;
  if (!overfit_loader_) {
    data::DataLoaderOptions in_order = loader->options();
    in_order.shuffle = false;
    overfit_loader_ = std::make_unique<data::DataLoader>(loader->dataset(), in_order);
  }
  return overfit_loader_.get();
}

bool Trainer::fit_is_done() const {
  const bool at_limit = (options_.max_steps >= 0 && global_step_ >= options_.max_steps) ||
                        (options_.max_epochs >= 0 && epoch_ >= options_.max_epochs);
  return at_limit || interrupted_by_ != 0;
}

// Early stopping and max_time wait for min_epochs and min_steps.
bool Trainer::stops_now() {
  const double seconds = seconds_before_ + seconds_since(started_);
  if (options_.max_time && seconds >= *options_.max_time) should_stop = true;
  return should_stop && epoch_ >= options_.min_epochs && global_step_ >= options_.min_steps;
}

void Trainer::fit_loop() {
  started_ = std::chrono::steady_clock::now();
  IOLAUS_CHECK(options_.max_epochs >= 0 || options_.max_steps >= 0 || options_.max_time,
               "[Trainer] training has no end: set max_epochs, max_steps or max_time");
  const data::DataLoader* loader = training_loader();
  const BatchLimit limit =
      options_.overfit_batches.is_zero() ? options_.limit_train_batches : options_.overfit_batches;
  num_training_batches_ = limit.of(loader->num_batches());
  module_->train();
  each_callback("on_train_start", [&](Callback& c) { c.on_train_start(*this, *module_); });
  module_->on_train_start();
  if (num_training_batches_ == 0) {
    warn("[Trainer] there is nothing to train: 0 of {} batches", loader->num_batches());
  }
  while (num_training_batches_ > 0 && !fit_is_done() && !stops_now()) train_epoch();
  each_callback("on_train_end", [&](Callback& c) { c.on_train_end(*this, *module_); });
  module_->on_train_end();
}

void Trainer::train_epoch() {
  const Profiler::Scope scope(profiler_, "run_training_epoch");
  if (batch_ == 0) train_values_.reset();
  each_callback("on_train_epoch_start",
                [&](Callback& c) { c.on_train_epoch_start(*this, *module_); });
  module_->on_train_epoch_start();
  data::Epoch epoch = training_loader()->epoch(epoch_, batch_);
  while (batch_ < num_training_batches_) {
    std::optional<data::Batch> batch;
    {
      const Profiler::Scope next(profiler_, "train_dataloader_next");
      batch = epoch.next();
    }
    if (!batch) break;
    const int64_t batch_idx = batch_;
    train_batch(to_device(std::move(*batch)), batch_idx);
    finish_batch(batch_idx);
    if (batch_ >= num_training_batches_) break;
    at_boundary();
    if (interrupted_by_ != 0) return;
    if (fit_is_done() || stops_now()) break;
  }
  finish_epoch();
  at_boundary();
}

void Trainer::train_batch(const data::Batch& batch, int64_t batch_idx) {
  const Profiler::Scope scope(profiler_, "run_training_batch");
  current_batch_size_ = batch.size();
  in_batch_ = true;
  each_callback("on_train_batch_start",
                [&](Callback& c) { c.on_train_batch_start(*this, *module_, batch, batch_idx); });
  module_->on_train_batch_start(batch, batch_idx);
  Tensor loss;
  if (module_->automatic_optimization()) {
    optimize(batch, batch_idx, loss);
  } else {
    loss = training_step(batch, batch_idx);
  }
  if (loss.defined()) loss = loss.detach();
  if (!accumulates_after(batch_idx)) {
    step_schedulers("step", batch_idx, false);
    if (batch_idx + 1 >= num_training_batches_) step_schedulers("epoch", epoch_, false);
  }
  for (const auto& callback : callbacks_) {
    if (!callback->is_checkpoint()) {
      callback->on_train_batch_end(*this, *module_, loss, batch, batch_idx);
      continue;
    }
    at_boundary_.emplace_back([this, c = callback.get(), loss, batch, batch_idx] {
      c->on_train_batch_end(*this, *module_, loss, batch, batch_idx);
    });
  }
  module_->on_train_batch_end(loss, batch, batch_idx);
  in_batch_ = false;
}

bool Trainer::accumulates_after(int64_t batch_idx) const {
  return (batch_idx + 1) % options_.accumulate_grad_batches != 0 &&
         batch_idx + 1 < num_training_batches_;
}

Tensor Trainer::training_step(const data::Batch& batch, int64_t batch_idx) {
  const Profiler::Scope step(profiler_, "training_step");
  const Autocast autocast(device_.type, autocast_, autocast_.has_value());
  return module_->training_step(batch, batch_idx);
}

void Trainer::zero_grad(Optimizer& optimizer) {
  each_callback("on_before_zero_grad",
                [&](Callback& c) { c.on_before_zero_grad(*this, *module_, optimizer); });
  module_->on_before_zero_grad(optimizer);
  optimizer.zero_grad();
}

void Trainer::optimize(const data::Batch& batch, int64_t batch_idx, Tensor& loss) {
  Optimizer& optimizer = *optimizers_.front().optimizer;
  if (optimizer.needs_closure()) return step_with_closure(optimizer, batch, batch_idx, loss);
  loss = training_step(batch, batch_idx);
  if (batch_idx % options_.accumulate_grad_batches == 0) zero_grad(optimizer);
  if (loss.defined() && !skip_nonfinite(loss, batch, batch_idx)) {
    const Tensor scaled =
        options_.accumulate_grad_batches > 1 ? div(loss, options_.accumulate_grad_batches) : loss;
    backward(scaled);
  }
  if (accumulates_after(batch_idx)) return;
  step_optimizer(0);
}

// The optimizer (LBFGS) evaluates the batch as often as it needs to.
void Trainer::step_with_closure(Optimizer& optimizer, const data::Batch& batch, int64_t batch_idx,
                                Tensor& loss) {
  IOLAUS_CHECK(options_.accumulate_grad_batches == 1 && !scaler_,
               "[Trainer] {} evaluates each batch several times: accumulate_grad_batches and "
               "precision 16-mixed do not go with it",
               optimizer.type_name());
  loss = optimizer.step([&] {
    const Tensor value = training_step(batch, batch_idx);
    zero_grad(optimizer);
    skip_nonfinite(value, batch, batch_idx);
    backward(value);
    before_step(optimizer);
    return value;
  });
  ++global_step_;
}

void Trainer::backward(const Tensor& loss) {
  each_callback("on_before_backward",
                [&](Callback& c) { c.on_before_backward(*this, *module_, loss); });
  module_->on_before_backward(loss);
  {
    const Profiler::Scope scope(profiler_, "backward");
    const DetectAnomaly anomaly(options_.detect_anomaly || detects_anomaly());
    (scaler_ ? scaler_->scale(loss) : loss).backward();
  }
  each_callback("on_after_backward", [&](Callback& c) { c.on_after_backward(*this, *module_); });
  module_->on_after_backward();
}

// Unscaled gradients for the hooks, then clipping.
void Trainer::before_step(Optimizer& optimizer) {
  if (scaler_) scaler_->unscale_(optimizer);
  each_callback("on_before_optimizer_step",
                [&](Callback& c) { c.on_before_optimizer_step(*this, *module_, optimizer); });
  module_->on_before_optimizer_step(optimizer);
  if (module_->automatic_optimization()) clip_gradients(optimizer);
}

void Trainer::step_optimizer(size_t index) {
  IOLAUS_CHECK_CODE(index < optimizers_.size(), ErrorCode::kIndex,
                    "[Trainer] there is no optimizer {}, configure_optimizers gave {}", index,
                    optimizers_.size());
  Optimizer& optimizer = *optimizers_[index].optimizer;
  before_step(optimizer);
  const Profiler::Scope scope(profiler_, "optimizer_step");
  if (scaler_) {
    scaler_->step(optimizer);
    scaler_->update();
  } else {
    optimizer.step();
  }
  ++global_step_;
}

void Trainer::clip_gradients(Optimizer& optimizer) {
  if (options_.gradient_clip_val == 0) return;
  Tensors params;
  for (const ParamGroup& group : optimizer.groups()) {
    params.insert(params.end(), group.params.begin(), group.params.end());
  }
  if (options_.gradient_clip_algorithm == "value") {
    clip_grad_value_(params, options_.gradient_clip_val);
  } else {
    clip_grad_norm_(params, options_.gradient_clip_val);
  }
}

bool Trainer::skip_nonfinite(const Tensor& loss, const data::Batch& batch, int64_t batch_idx) {
  if (options_.nan_policy == NanPolicy::kIgnore) return false;
  if (options_.nan_policy == NanPolicy::kError && device_.is_cuda()) {
    nonfinite_.update(loss, total_batches_);
    return false;
  }
  const double value = loss.item<double>();
  if (std::isfinite(value)) {
    skipped_in_a_row_ = 0;
    return false;
  }
  IOLAUS_CHECK(options_.nan_policy != NanPolicy::kError,
               "[Trainer] the loss is {} at {}; lower the learning rate, set "
               "trainer.gradient_clip_val, or leave such batches out with trainer.nan_policy=skip",
               value, which(batch, batch_idx, epoch_));
  ++skipped_in_a_row_;
  warn("[Trainer] the loss is {} at {}: left out", value, which(batch, batch_idx, epoch_));
  IOLAUS_CHECK(skipped_in_a_row_ <= options_.nan_patience,
               "[Trainer] the loss was not finite in {} batches in a row (trainer.nan_patience), "
               "the last of them {}",
               skipped_in_a_row_, which(batch, batch_idx, epoch_));
  return true;
}

void Trainer::step_schedulers(const char* interval, int64_t index, bool with_metric) {
  for (const OptimizerConfig& optimizer : optimizers_) {
    for (const SchedulerConfig& s : optimizer.schedulers) {
      if (s.interval != interval || s.scheduler->needs_metric() != with_metric ||
          (index + 1) % s.frequency != 0) {
        continue;
      }
      if (!with_metric) {
        s.scheduler->step();
        continue;
      }
      const auto found = callback_metrics_.find(s.monitor);
      if (found != callback_metrics_.end()) {
        s.scheduler->step(found->second);
        continue;
      }
      std::string known;
      for (const auto& [name, value] : callback_metrics_)
        known += (known.empty() ? "" : ", ") + name;
      fail(ErrorCode::kNotFound,
           "[Trainer] the schedule looks at '{}' (its monitor), which nothing has logged; there is "
           "{}",
           s.monitor, known);
    }
  }
}

// The rows of a step, and the validation that is due after it.
void Trainer::finish_batch(int64_t batch_idx) {
  ++batch_;
  ++total_batches_;
  const bool accumulating = accumulates_after(batch_idx);
  const int64_t every = options_.log_every_n_steps;
  const bool row = every > 0 && ((batches_that_stepped_ + 1) % every == 0 || should_stop);
  if (!accumulating && row) log_step_metrics();
  if (validation_is_due(batch_idx)) {
    evaluate(Stage::kValidate, -1, nullptr);
    module_->train();
  }
  if (!accumulating) {
    step_schedulers("step", batch_idx, true);
    ++batches_that_stepped_;
  }
}

void Trainer::check_finite() {
  const auto bad = nonfinite_.first();
  if (!bad) return;
  fail(ErrorCode::kInvalidArgument,
       "[Trainer] the loss stopped being finite at batch {} of all (now {}, epoch {}); lower the "
       "learning rate, set trainer.gradient_clip_val, or leave such batches out with "
       "trainer.nan_policy=skip",
       *bad, total_batches_, epoch_);
}

void Trainer::log_step_metrics() {
  check_finite();
  for (const auto& [name, value] : train_values_.step_values(LoggedValues::For::kCallbacks)) {
    callback_metrics_[name] = value;
  }
  log_metrics(train_values_.step_values(LoggedValues::For::kLogger), batches_that_stepped_);
}

bool Trainer::validation_is_due(int64_t batch_idx) const {
  if (data_->val_loader() == nullptr || num_evaluation_batches(Stage::kValidate, *data_) == 0) {
    return false;
  }
  const bool is_last = batch_idx + 1 >= num_training_batches_;
  const BatchLimit& interval = options_.val_check_interval;
  if (!options_.check_val_every_n_epoch) return total_batches_ % interval.count == 0;
  if ((epoch_ + 1) % *options_.check_val_every_n_epoch != 0) return false;
  const int64_t every =
      interval.count >= 0
          ? interval.count
          : std::max<int64_t>(1, static_cast<int64_t>(interval.share *
                                                      static_cast<double>(num_training_batches_)));
  if (interval.count < 0 && interval.share == 1.0) return is_last;
  return every > 0 && (batch_idx + 1) % every == 0;
}

// The end of an epoch, also of one that max_steps or early stopping cut short.
void Trainer::finish_epoch() {
  check_finite();
  const bool complete = batch_ >= num_training_batches_;
  const auto collect = [&] {
    for (const auto& [name, value] : train_values_.step_values(LoggedValues::For::kCallbacks)) {
      callback_metrics_[name] = value;
    }
    for (const auto& [name, value] : train_values_.epoch_values(LoggedValues::For::kCallbacks)) {
      callback_metrics_[name] = value;
    }
  };
  collect();
  for (const auto& callback : callbacks_) {
    if (!callback->is_checkpoint()) {
      callback->on_train_epoch_end(*this, *module_);
      continue;
    }
    at_boundary_.emplace_back(
        [this, c = callback.get()] { c->on_train_epoch_end(*this, *module_); });
  }
  module_->on_train_epoch_end();
  collect();
  for (const auto& [name, value] : train_values_.epoch_values(LoggedValues::For::kProgressBar)) {
    progress_bar_metrics_[name] = value;
  }
  if (complete) step_schedulers("epoch", epoch_, true);
  // Values of the epoch belong to its last step.
  log_metrics(train_values_.epoch_values(LoggedValues::For::kLogger), batches_that_stepped_ - 1);
}

// Between two steps, with nothing half done: checkpoint callbacks have their turn, and signals.
void Trainer::at_boundary() {
  std::vector<std::function<void()>> due;
  due.swap(at_boundary_);
  for (const auto& hook : due) hook();
  if (batch_ >= num_training_batches_) {
    batch_ = 0;
    ++epoch_;
  }
  const int signal = pending_signal();
  if (signal == 0 || !options_.handle_signals || interrupted_by_ != 0) return;
  interrupted_by_ = signal;
  if (ModelCheckpoint* checkpoints = checkpoint_callback()) {
    checkpoints->save_interrupted(*this);
  } else {
    warn("[Trainer] stopped by signal {}; nothing is saved, since no callback saves checkpoints",
         signal);
  }
}

}  // namespace iolaus::nn
