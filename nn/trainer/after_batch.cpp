// What follows a batch and an epoch of training: rows, schedules, validation.
#include <algorithm>

#include "core/random.h"
#include "nn/trainer/hooks.h"

namespace iolaus::nn {

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

void Trainer::count_batch(int64_t batch_idx) {
  ++batch_;
  ++total_batches_;
  const int64_t every = options_.log_every_n_steps;
  const bool row = every > 0 && ((batches_that_stepped_ + 1) % every == 0 || should_stop);
  if (!accumulates_after(batch_idx) && row) log_step_metrics();
}

// The validation that is due after a batch, and the schedules that may wait for its metrics. False
// where a signal came meanwhile.
bool Trainer::finish_batch(int64_t batch_idx) {
  if (validation_is_due(batch_idx) && !validate_within_fit()) return false;
  epoch_complete_ = last_batch_;
  if (!accumulates_after(batch_idx)) {
    step_schedulers("step", batch_idx, true);
    ++batches_that_stepped_;
  }
  return true;
}

// A validation that a signal cuts short leaves nothing behind but rows of its batches: training
// goes on with a whole one.
bool Trainer::validate_within_fit() {
  const GeneratorState generator = default_generator().get_state();
  const Metrics metrics = callback_metrics_;
  const std::vector<int64_t> evaluated = evaluated_;
  evaluate(Stage::kValidate, -1);
  module_->train();
  if (!evaluation_abandoned_) return true;
  default_generator().set_state(generator);
  callback_metrics_ = metrics;
  evaluated_ = evaluated;
  validation_due_ = true;
  return false;
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
  if (!validation_plan_ || validation_plan_->is_empty()) return false;
  const BatchLimit& interval = options_.val_check_interval;
  if (!options_.check_val_every_n_epoch) return total_batches_ % interval.count == 0;
  if ((epoch_ + 1) % *options_.check_val_every_n_epoch != 0) return false;
  if (interval.count >= 0) return interval.count > 0 && (batch_idx + 1) % interval.count == 0;
  if (interval.share == 1.0) return last_batch_;
  const auto every =
      static_cast<int64_t>(interval.share * static_cast<double>(num_training_batches_));
  return (batch_idx + 1) % std::max<int64_t>(1, every) == 0;
}

// Whether val_check_interval goes with this number of batches.
void Trainer::check_val_interval() {
  const BatchLimit& interval = options_.val_check_interval;
  if (num_training_batches_ == 0) return;
  if (num_training_batches_ == kAllBatches) {
    IOLAUS_CHECK(interval.count >= 0 || interval.share == 1.0,
                 "[Trainer] When using an IterableDataset for training, val_check_interval must be "
                 "1.0 or an int: validation after every so many batches. Got {}",
                 interval.share);
    return;
  }
  IOLAUS_CHECK(interval.count <= num_training_batches_ || !options_.check_val_every_n_epoch ||
                   options_.limit_val_batches.is_zero(),
               "[Trainer] val_check_interval ({}) must be less than or equal to the number of "
               "training batches ({}). To disable validation set limit_val_batches to 0.0; to "
               "validate based on all training batches set check_val_every_n_epoch=null",
               interval.count, num_training_batches_);
}

// The end of an epoch, also of one that max_steps or early stopping cut short.
void Trainer::finish_epoch() {
  check_finite();
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
    if (!callback->is_checkpoint()) callback->on_train_epoch_end(*this, *module_);
  }
  pending_.epoch_end = true;
  module_->on_train_epoch_end();
  collect();
  for (const auto& [name, value] : train_values_.epoch_values(LoggedValues::For::kProgressBar)) {
    progress_bar_metrics_[name] = value;
  }
  if (last_batch_) step_schedulers("epoch", epoch_, true);
  // Values of the epoch belong to its last step.
  log_metrics(train_values_.epoch_values(LoggedValues::For::kLogger), batches_that_stepped_ - 1);
}

}  // namespace iolaus::nn
