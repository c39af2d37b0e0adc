// Validation, test and prediction: one pass without gradients, in evaluation mode.
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

void Trainer::sanity_check() {
  if (options_.num_sanity_val_steps == 0 || global_step_ > 0 || data_->val_loader() == nullptr ||
      num_evaluation_batches(Stage::kValidate, *data_) == 0) {
    return;
  }
  const Flag sanity(sanity_checking_);
  each_callback("on_sanity_check_start",
                [&](Callback& c) { c.on_sanity_check_start(*this, *module_); });
  evaluate(Stage::kValidate, options_.num_sanity_val_steps, nullptr);
  each_callback("on_sanity_check_end",
                [&](Callback& c) { c.on_sanity_check_end(*this, *module_); });
  callback_metrics_.clear();
  progress_bar_metrics_.clear();
}

Metrics Trainer::evaluate(Stage stage, int64_t max_batches, Tensors* predictions) {
  const data::DataLoader* loader = loader_of(stage, *data_);
  IOLAUS_CHECK(loader != nullptr, "[Trainer] there is no data to {}", stage_name(stage));
  const Profiler::Scope scope(profiler_, stage_name(stage));
  const NoGrad no_grad;
  const EvalMode eval_mode(*module_);
  const Flag evaluating(evaluating_);
  int64_t batches = num_evaluation_batches(stage, *data_);
  if (max_batches >= 0) batches = std::min(batches, max_batches);
  LightningModule& module = *module_;
  evaluation_values_.reset();
  const auto each = [&](const char* hook, auto&& call) { each_callback(hook, call); };

  each("on_evaluation_start", [&](Callback& c) { c.on_evaluation_start(*this, module, stage); });
  module.on_evaluation_start(stage);
  each("on_evaluation_epoch_start",
       [&](Callback& c) { c.on_evaluation_epoch_start(*this, module, stage); });
  module.on_evaluation_epoch_start(stage);
  data::Epoch epoch = loader->epoch(0);
  for (int64_t i = 0; i < batches; ++i) {
    std::optional<data::Batch> next = epoch.next();
    if (!next) break;
    const data::Batch batch = to_device(std::move(*next));
    current_batch_size_ = batch.size();
    each("on_evaluation_batch_start",
         [&](Callback& c) { c.on_evaluation_batch_start(*this, module, stage, batch, i); });
    module.on_evaluation_batch_start(stage, batch, i);
    const Autocast autocast(device_.type, autocast_, autocast_.has_value());
    switch (stage) {
      case Stage::kTest:
        module.test_step(batch, i);
        break;
      case Stage::kPredict: {
        Tensor output = module.predict_step(batch, i);
        if (predictions != nullptr) predictions->push_back(std::move(output));
        break;
      }
      default:
        module.validation_step(batch, i);
    }
    each("on_evaluation_batch_end",
         [&](Callback& c) { c.on_evaluation_batch_end(*this, module, stage, batch, i); });
    module.on_evaluation_batch_end(stage, batch, i);
  }
  // First what the steps logged, so that hooks can read it; then what the hooks added.
  const auto collect = [&] {
    for (const auto& [n, v] : evaluation_values_.epoch_values(LoggedValues::For::kCallbacks)) {
      callback_metrics_[n] = v;
    }
    for (const auto& [n, v] : evaluation_values_.epoch_values(LoggedValues::For::kProgressBar)) {
      progress_bar_metrics_[n] = v;
    }
  };
  collect();
  each("on_evaluation_epoch_end",
       [&](Callback& c) { c.on_evaluation_epoch_end(*this, module, stage); });
  module.on_evaluation_epoch_end(stage);
  collect();
  const Metrics metrics = evaluation_values_.epoch_values(LoggedValues::For::kLogger);
  for (const auto& callback : callbacks_) {
    if (callback->is_checkpoint() && stage_ == Stage::kFit) {
      if (sanity_checking_) continue;
      at_boundary_.emplace_back(
          [this, c = callback.get(), stage] { c->on_evaluation_end(*this, *module_, stage); });
      continue;
    }
    callback->on_evaluation_end(*this, module, stage);
  }
  module.on_evaluation_end(stage);
  if (!sanity_checking_) log_metrics(metrics, batches_that_stepped_);
  return metrics;
}

}  // namespace iolaus::nn
