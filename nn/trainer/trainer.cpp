// The trainer's entry points: what they share, and the order of their parts.
#include "nn/trainer/trainer.h"

#include <algorithm>

#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/callbacks/model_summary.h"
#include "nn/callbacks/progress_bar.h"
#include "nn/loggers/logger.h"
#include "nn/trainer/flags.h"
#include "nn/trainer/hooks.h"
#include "nn/trainer/signals.h"

namespace iolaus::nn {
namespace {

// For loggers that draw the model; the sizes are those of a batch.
void log_graph(Trainer& trainer, LightningModule& module, data::DataModule& data) {
  const data::Loader* loader = data.train_loader();
  if (trainer.loggers().empty() || loader == nullptr) return;
  const data::Sample example = loader->example();
  if (example.empty()) return;
  Dims sizes = example.front().sizes();
  sizes[0] = loader->batch_size();
  trainer.for_each_logger([&](Logger& logger) { logger.log_graph(module.checkpointed(), sizes); });
}

}  // namespace

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) {
  check_flags(options_);
  if (options_.fast_dev_run > 0) make_fast(options_);
  options_.precision = full_precision(options_.precision);
  const Precision precision = parse_precision(options_.precision);
  dtype_ = precision.parameters;
  autocast_ = precision.autocast;
  if (autocast_ == kFloat16) scaler_ = std::make_unique<GradScaler>();
  device_ = choose_device(options_);
  if (!options_.profiler.empty()) profiler_.enable();
  loggers_ = options_.loggers;
  callbacks_ = options_.callbacks;
  std::erase(callbacks_, nullptr);
  std::erase(loggers_, nullptr);
  const auto any = [&](auto is) { return std::any_of(callbacks_.begin(), callbacks_.end(), is); };
  if (options_.enable_progress_bar &&
      !any([](const auto& c) { return dynamic_cast<ProgressBar*>(c.get()) != nullptr; })) {
    callbacks_.push_back(std::make_shared<ProgressBar>());
  }
  if (options_.enable_model_summary &&
      !any([](const auto& c) { return dynamic_cast<ModelSummaryCallback*>(c.get()) != nullptr; })) {
    callbacks_.push_back(std::make_shared<ModelSummaryCallback>());
  }
  const bool saves = any([](const auto& c) { return c->is_checkpoint(); });
  IOLAUS_CHECK(options_.enable_checkpointing || !saves || options_.fast_dev_run > 0,
               "[Trainer] enable_checkpointing is false, but there is a ModelCheckpoint among the "
               "callbacks");
  if (options_.enable_checkpointing && !saves) {
    callbacks_.push_back(std::make_shared<ModelCheckpoint>());
  }
  std::stable_partition(callbacks_.begin(), callbacks_.end(),
                        [](const auto& c) { return !c->is_checkpoint(); });
  std::map<std::string, int> keys;
  for (const auto& callback : callbacks_) {
    IOLAUS_CHECK(callback->state_key().empty() || ++keys[callback->state_key()] == 1,
                 "[Trainer] two callbacks are the same: {}", callback->state_key());
    if (!callback->is_checkpoint()) continue;
    savers_.push_back(callback.get());
    if (callback->saves_after_batches()) batch_savers_.push_back(callback.get());
  }
}

Trainer::~Trainer() = default;

void Trainer::reset_progress() {
  epoch_ = batch_ = global_step_ = batches_that_stepped_ = total_batches_ = 0;
  skipped_in_a_row_ = 0;
  seconds_before_ = 0;
  interrupted_by_ = 0;
  should_stop = forward_only = last_batch_ = epoch_complete_ = validation_due_ = false;
  stream_state_.clear();
  callback_metrics_.clear();
  progress_bar_metrics_.clear();
  train_values_ = {};
  evaluation_values_ = {};
  nonfinite_.reset();
}

// What all entry points share: the module on the device, setup and teardown, and callbacks that
// learn of an error.
template <class Fn>
auto Trainer::run(LightningModule& module, data::DataModule& data, Stage stage, Fn&& fn) {
  struct Attached {
    Trainer& t;
    Attached(Trainer& trainer, LightningModule& m, data::DataModule& d) : t(trainer) {
      t.module_ = &m;
      t.data_ = &d;
      m.attach(&t);
    }
    ~Attached() {
      t.module_->attach(nullptr);
      t.module_ = nullptr;
      t.data_ = nullptr;
      t.optimizers_.clear();
      t.pending_ = {};
      t.pass_.reset();
      t.overfit_loader_.reset();
      t.validation_plan_.reset();
      t.overfit_validation_.clear();
    }
  } attached(*this, module, data);
  stage_ = stage;
  progress_bar_metrics_.clear();
  evaluated_.clear();
  evaluation_values_ = {};
  module.to(device_);
  if (dtype_ != kFloat32) module.to(dtype_);
  const auto tear_down = [&] {
    each_callback("teardown", [&](Callback& c) { c.teardown(*this, module, stage); });
    module.teardown(stage);
  };
  try {
    data.set_device(device_);
    if (stage == Stage::kFit) data.setup();
    each_callback("setup", [&](Callback& c) { c.setup(*this, module, stage); });
    module.setup(stage);
    if constexpr (std::is_void_v<decltype(fn())>) {
      fn();
      tear_down();
    } else {
      auto result = fn();
      tear_down();
      return result;
    }
  } catch (const std::exception& e) {
    const std::string what = e.what();
    for (const auto& callback : callbacks_) {
      try {
        callback->on_exception(*this, module, what);
      } catch (const std::exception& other) {
        warn("[Trainer] {} failed after an error: {}", callback->state_key(), other.what());
      }
    }
    for_each_logger([](Logger& logger) { logger.finalize("failed"); });
    throw;
  }
}

void Trainer::fit(LightningModule& module, data::DataModule& data, const std::string& ckpt_path) {
  reset_progress();
  run(module, data, Stage::kFit, [&] {
    const SignalWatch signals(options_.handle_signals);
    optimizers_ = module.configure_optimizers();
    IOLAUS_CHECK(!module.automatic_optimization() || optimizers_.size() == 1,
                 "[Trainer] automatic optimization takes one optimizer, configure_optimizers gave "
                 "{}; let automatic_optimization() return false for several",
                 optimizers_.size());
    const std::string& from = ckpt_path.empty() ? options_.resume_from_checkpoint : ckpt_path;
    std::optional<Checkpoint> checkpoint;
    if (!from.empty()) checkpoint = load_checkpoint(resolve_checkpoint(from));
    if (checkpoint) restore_model(*checkpoint);
    each_callback("on_fit_start", [&](Callback& c) { c.on_fit_start(*this, module); });
    module.on_fit_start();
    if (checkpoint) restore_training(*checkpoint);
    checkpoint.reset();
    log_graph(*this, module, data);
    sanity_check();
    graphed_.reset();
    if (options_.cuda_graphs) {
      check_cuda_graphs();
      graphed_ = std::make_unique<GraphedPass>(device_);
    }
    fit_loop();
    graphed_.reset();
    each_callback("on_fit_end", [&](Callback& c) { c.on_fit_end(*this, module); });
    module.on_fit_end();
    for_each_logger(
        [&](Logger& logger) { logger.finalize(interrupted_by_ != 0 ? "interrupted" : "success"); });
    if (profiler_.enabled()) std::fprintf(stderr, "%s", profiler_.summary().c_str());
  });
}

Metrics Trainer::validate(LightningModule& module, data::DataModule& data,
                          const std::string& ckpt_path) {
  return run(module, data, Stage::kValidate, [&] {
    load_weights_from(ckpt_path);
    Metrics metrics = evaluate(Stage::kValidate, -1);
    for_each_logger([](Logger& logger) { logger.save(); });
    return metrics;
  });
}

Metrics Trainer::test(LightningModule& module, data::DataModule& data,
                      const std::string& ckpt_path) {
  return run(module, data, Stage::kTest, [&] {
    load_weights_from(ckpt_path);
    Metrics metrics = evaluate(Stage::kTest, -1);
    for_each_logger([](Logger& logger) { logger.save(); });
    return metrics;
  });
}

Tensors Trainer::predict(LightningModule& module, data::DataModule& data,
                         const std::string& ckpt_path) {
  return run(module, data, Stage::kPredict, [&] {
    load_weights_from(ckpt_path);
    predictions_.clear();
    evaluate(Stage::kPredict, -1);
    Tensors all;
    for (const Tensors& loader : predictions_) all.insert(all.end(), loader.begin(), loader.end());
    return all;
  });
}

}  // namespace iolaus::nn
