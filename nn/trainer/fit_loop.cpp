// The training loop. The order of hooks, of logging and of schedules is that of Lightning's
// fit_loop.py, training_epoch_loop.py and optimization/automatic.py (2.6).
#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/trainer/hooks.h"
#include "nn/trainer/signals.h"

namespace iolaus::nn {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

const data::Loader& Trainer::training_loader() {
  const data::Loader* loader = data_->train_loader();
  IOLAUS_CHECK(loader != nullptr, "[Trainer] there is no training data");
  if (options_.overfit_batches.is_zero()) return *loader;
  if (!overfit_loader_) overfit_loader_ = loader->in_order();
  return *overfit_loader_;
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
  const data::Loader& loader = training_loader();
  num_training_batches_ = limited_batches(
      options_.overfit_batches.is_zero() ? options_.limit_train_batches : options_.overfit_batches,
      loader.length(), "train");
  check_val_interval();
  validation_plan();
  module_->train();
  each_callback("on_train_start", [&](Callback& c) { c.on_train_start(*this, *module_); });
  module_->on_train_start();
  if (num_training_batches_ == 0) {
    warn("[Trainer] there is nothing to train: 0 of {} batches", loader.length().value_or(0));
  }
  const auto goes_on = [&] {
    return interrupted_by_ == 0 && (validation_due_ || (!fit_is_done() && !stops_now()));
  };
  while (num_training_batches_ != 0 && goes_on()) train_epoch();
  each_callback("on_train_end", [&](Callback& c) { c.on_train_end(*this, *module_); });
  module_->on_train_end();
}

void Trainer::train_epoch() {
  const Profiler::Scope scope(profiler_, "run_training_epoch");
  if (batch_ == 0) train_values_.reset();
  last_batch_ = epoch_complete_ = false;
  each_callback("on_train_epoch_start",
                [&](Callback& c) { c.on_train_epoch_start(*this, *module_); });
  module_->on_train_epoch_start();
  pass_ = std::make_unique<TrainingPass>(training_loader(), epoch_, num_training_batches_, batch_,
                                         std::exchange(stream_state_, {}));
  bool trained = std::exchange(validation_due_, false);  // before the checkpoint
  if (trained && !batch_savers_.empty()) {
    pending_.batch_end = true;
    pending_.batch_idx = batch_ - 1;
  }
  while (true) {
    if (!std::exchange(trained, false)) {
      std::optional<data::Batch> batch;
      {
        const Profiler::Scope next(profiler_, "train_dataloader_next");
        batch = pass_->next();
      }
      if (!batch) {
        IOLAUS_CHECK(batch_ > 0, "[Trainer] the training data gave no batch in epoch {}", epoch_);
        epoch_complete_ = true;
        break;
      }
      last_batch_ = pass_->is_last();
      train_batch(to_device(std::move(*batch)), batch_);
      count_batch(batch_);
    } else {
      last_batch_ = pass_->is_last();
    }
    if (!finish_batch(batch_ - 1)) {
      pending_ = {};
      return stop_at_signal();
    }
    if (epoch_complete_) break;
    at_boundary();
    if (interrupted_by_ != 0) return;
    if (fit_is_done() || stops_now()) break;
  }
  finish_epoch();
  at_boundary();
  pass_.reset();
}

void Trainer::train_batch(data::Batch batch, int64_t batch_idx) {
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
    if (last_batch_) step_schedulers("epoch", epoch_, false);
  }
  for (const auto& callback : callbacks_) {
    if (!callback->is_checkpoint()) {
      callback->on_train_batch_end(*this, *module_, loss, batch, batch_idx);
    }
  }
  module_->on_train_batch_end(loss, batch, batch_idx);
  in_batch_ = false;
  if (batch_savers_.empty()) return;
  pending_.batch_end = true;
  pending_.loss = std::move(loss);
  pending_.batch = std::move(batch);
  pending_.batch_idx = batch_idx;
}

// What happened since the last boundary, in its order.
void Trainer::tell_savers() {
  const Pending due = std::exchange(pending_, {});
  if (due.batch_end) {
    for (Callback* c : batch_savers_) {
      c->on_train_batch_end(*this, *module_, due.loss, due.batch, due.batch_idx);
    }
  }
  if (due.evaluation_end) {
    for (Callback* c : savers_) c->on_evaluation_end(*this, *module_, Stage::kValidate);
  }
  if (due.epoch_end) {
    for (Callback* c : savers_) c->on_train_epoch_end(*this, *module_);
  }
}

// Between two steps, with nothing half done: checkpoint callbacks have their turn, and signals.
void Trainer::at_boundary() {
  if (!savers_.empty()) tell_savers();
  if (epoch_complete_) {
    batch_ = 0;
    ++epoch_;
    epoch_complete_ = false;
  }
  if (is_signalled()) stop_at_signal();
}

bool Trainer::is_signalled() const {
  return options_.handle_signals && interrupted_by_ == 0 && pending_signal() != 0;
}

void Trainer::stop_at_signal() {
  interrupted_by_ = pending_signal();
  if (ModelCheckpoint* checkpoints = checkpoint_callback()) {
    checkpoints->save_interrupted(*this);
  } else {
    warn("[Trainer] stopped by signal {}; nothing is saved, since no callback saves checkpoints",
         interrupted_by_);
  }
}

}  // namespace iolaus::nn
