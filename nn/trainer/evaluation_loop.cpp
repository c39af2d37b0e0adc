// Validation, test and prediction: one pass over each loader, without gradients, in evaluation
// mode. The order is that of Lightning's evaluation_loop.py (2.6).
#include "autograd/autocast.h"
#include "autograd/grad_mode.h"
#include "nn/trainer/hooks.h"

namespace iolaus::nn {
namespace {

// Puts the mode back also when something throws.
class EvalMode {
 public:
  explicit EvalMode(Module& module) : module_(module), was_training_(module.is_training()) {
    module_.eval();
  }
  ~EvalMode() { module_.train(was_training_); }

 private:
  Module& module_;
  bool was_training_;
};

class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
  ~Flag() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace

const EvaluationPlan& Trainer::validation_plan() {
  if (validation_plan_) return *validation_plan_;
  validation_plan_ = evaluation_plan(Stage::kValidate, *data_);
  if (options_.overfit_batches.is_zero()) return *validation_plan_;
  for (const data::Loader*& loader : validation_plan_->loaders) {
    loader = overfit_validation_.emplace_back(loader->in_order()).get();
  }
  return *validation_plan_;
}

void Trainer::sanity_check() {
  if (options_.num_sanity_val_steps == 0 || global_step_ > 0 || validation_plan().is_empty()) {
    return;
  }
  const Flag sanity(sanity_checking_);
  each_callback("on_sanity_check_start",
                [&](Callback& c) { c.on_sanity_check_start(*this, *module_); });
  evaluate(Stage::kValidate, options_.num_sanity_val_steps);
  each_callback("on_sanity_check_end",
                [&](Callback& c) { c.on_sanity_check_end(*this, *module_); });
  callback_metrics_.clear();
  progress_bar_metrics_.clear();
}

Metrics Trainer::evaluate(Stage stage, int64_t max_batches) {
  const EvaluationPlan plan =
      (stage_ == Stage::kFit ? validation_plan() : evaluation_plan(stage, *data_))
          .at_most(max_batches);
  IOLAUS_CHECK(!plan.loaders.empty(), "[Trainer] there is no data to {}", stage_name(stage));
  if (plan.is_empty()) return {};
  const Profiler::Scope scope(profiler_, stage_name(stage));
  const NoGrad no_grad;
  const EvalMode eval_mode(*module_);
  const Flag evaluating(evaluating_);
  evaluation_abandoned_ = false;
  LightningModule& module = *module_;
  const auto each = [&](const char* hook, auto&& call) { each_callback(hook, call); };
  evaluation_values_.reset();
  evaluated_.resize(plan.loaders.size());
  if (stage == Stage::kPredict) predictions_.resize(plan.loaders.size());

  each("on_evaluation_start", [&](Callback& c) { c.on_evaluation_start(*this, module, stage); });
  module.on_evaluation_start(stage);
  each("on_evaluation_epoch_start",
       [&](Callback& c) { c.on_evaluation_epoch_start(*this, module, stage); });
  module.on_evaluation_epoch_start(stage);
  Metrics metrics;
  for (size_t loader = 0; loader < plan.loaders.size(); ++loader) {
    if (plan.loaders.size() > 1) evaluation_values_.set_loader(static_cast<int64_t>(loader));
    evaluate_loader(stage, plan, loader);
    if (evaluation_abandoned_) {
      each("on_evaluation_abandoned",
           [&](Callback& c) { c.on_evaluation_abandoned(*this, module, stage); });
      module.on_evaluation_abandoned(stage);
      return {};
    }
    collect_evaluation();
    metrics.merge(evaluation_values_.epoch_values(LoggedValues::For::kLogger));
  }
  // Now what the steps logged can be read by hooks; what those add is of no loader.
  evaluation_values_.set_loader(LoggedValues::kNoLoader);
  each("on_evaluation_epoch_end",
       [&](Callback& c) { c.on_evaluation_epoch_end(*this, module, stage); });
  module.on_evaluation_epoch_end(stage);
  collect_evaluation();
  for (const auto& [name, value] : evaluation_values_.epoch_values(LoggedValues::For::kLogger)) {
    metrics[name] = value;
  }
  finish_evaluation(stage);
  if (!sanity_checking_) log_metrics(metrics, batches_that_stepped_);
  return metrics;
}

void Trainer::evaluate_loader(Stage stage, const EvaluationPlan& plan, size_t loader) {
  const int64_t batches = plan.batches[loader];
  const std::unique_ptr<data::Pass> pass = plan.loaders[loader]->start(0);
  for (int64_t i = 0; batches == kAllBatches || i < batches; ++i) {
    evaluation_abandoned_ = stage_ == Stage::kFit && !sanity_checking_ && is_signalled();
    if (evaluation_abandoned_) return;
    std::optional<data::Batch> next = pass->next();
    if (!next) break;
    data::Batch batch = to_device(std::move(*next));
    batch.dataloader_idx = static_cast<int64_t>(loader);
    current_batch_size_ = batch.size();
    evaluation_step(stage, batch, i);
    if (sanity_checking_) continue;
    // Of values that are logged on step: a row for each batch, which counts those of its loader.
    const Metrics row = evaluation_values_.step_values(LoggedValues::For::kLogger);
    if (!row.empty()) write_row(row, evaluated_[loader]);
    ++evaluated_[loader];
  }
}

void Trainer::evaluation_step(Stage stage, const data::Batch& batch, int64_t batch_idx) {
  LightningModule& module = *module_;
  each_callback("on_evaluation_batch_start", [&](Callback& c) {
    c.on_evaluation_batch_start(*this, module, stage, batch, batch_idx);
  });
  module.on_evaluation_batch_start(stage, batch, batch_idx);
  const Autocast autocast(device_.type, autocast_, autocast_.has_value());
  switch (stage) {
    case Stage::kTest:
      module.test_step(batch, batch_idx);
      break;
    case Stage::kPredict:
      predictions_[static_cast<size_t>(batch.dataloader_idx)].push_back(
          module.predict_step(batch, batch_idx));
      break;
    default:
      module.validation_step(batch, batch_idx);
  }
  each_callback("on_evaluation_batch_end", [&](Callback& c) {
    c.on_evaluation_batch_end(*this, module, stage, batch, batch_idx);
  });
  module.on_evaluation_batch_end(stage, batch, batch_idx);
}

void Trainer::collect_evaluation() {
  for (const auto& [n, v] : evaluation_values_.epoch_values(LoggedValues::For::kCallbacks)) {
    callback_metrics_[n] = v;
  }
  for (const auto& [n, v] : evaluation_values_.epoch_values(LoggedValues::For::kProgressBar)) {
    progress_bar_metrics_[n] = v;
  }
}

// Within fit, checkpoint callbacks have their turn at the next boundary.
void Trainer::finish_evaluation(Stage stage) {
  const bool fits = stage_ == Stage::kFit;
  for (const auto& callback : callbacks_) {
    if (!fits || !callback->is_checkpoint()) callback->on_evaluation_end(*this, *module_, stage);
  }
  if (fits && !sanity_checking_) pending_.evaluation_end = true;
  module_->on_evaluation_end(stage);
}

}  // namespace iolaus::nn
