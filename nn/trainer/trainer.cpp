// The trainer's entry points, its flags' checks, and what modules and callbacks ask of it.
#include "nn/trainer/trainer.h"

#include <algorithm>
#include <cmath>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "core/device_info.h"
#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/callbacks/model_summary.h"
#include "nn/callbacks/progress_bar.h"
#include "nn/trainer/hooks.h"
#include "nn/trainer/signals.h"

namespace iolaus::nn {
namespace {

// "32-true", or its older spellings "32" and "bf16".
std::string full_precision(const std::string& name) {
  static const std::map<std::string, std::string> kOlder{
      {"32", "32-true"}, {"64", "64-true"}, {"16", "16-mixed"}, {"bf16", "bf16-mixed"}};
  const auto found = kOlder.find(name);
  return found == kOlder.end() ? name : found->second;
}

// What parameters are stored in, and in mixed precision what ops are cast to.
struct Precision {
  DType parameters = kFloat32;
  std::optional<DType> autocast = {};
};

Precision parse_precision(const std::string& name) {
  static const std::map<std::string, Precision> kAll{{"32-true", {}},
                                                     {"64-true", {kFloat64}},
                                                     {"16-true", {kFloat16}},
                                                     {"bf16-true", {kBFloat16}},
                                                     {"16-mixed", {kFloat32, kFloat16}},
                                                     {"bf16-mixed", {kFloat32, kBFloat16}}};
  const auto found = kAll.find(name);
  IOLAUS_CHECK(found != kAll.end(),
               "[Trainer] precision must be 32-true, 64-true, bf16-true, 16-true, bf16-mixed or "
               "16-mixed, got '{}'",
               name);
  return found->second;
}

Device choose_device(const TrainerOptions& options) {
  const std::string& name = options.accelerator;
  if (name == "auto") {
    return is_available(kCUDA) && !is_cuda_simulated() ? Device(kCUDA, options.device_index)
                                                       : Device();
  }
  if (name == "gpu" || name == "cuda") {
    const Device device(kCUDA, options.device_index);
    return parse_device(device.str());
  }
  return parse_device(name);
}

void check(const TrainerOptions& o) {
  IOLAUS_CHECK(o.max_epochs >= -1 && o.max_steps >= -1 && o.min_epochs >= 0 && o.min_steps >= 0,
               "[Trainer] max_epochs and max_steps must be -1 (no limit) or more, min_epochs and "
               "min_steps must not be negative");
  IOLAUS_CHECK(o.log_every_n_steps >= 0 && o.accumulate_grad_batches > 0,
               "[Trainer] log_every_n_steps must not be negative, accumulate_grad_batches must be "
               "positive; got {} and {}",
               o.log_every_n_steps, o.accumulate_grad_batches);
  IOLAUS_CHECK(!o.check_val_every_n_epoch || *o.check_val_every_n_epoch > 0,
               "[Trainer] check_val_every_n_epoch must be positive, got {}",
               *o.check_val_every_n_epoch);
  IOLAUS_CHECK(o.check_val_every_n_epoch || o.val_check_interval.count > 0,
               "[Trainer] without check_val_every_n_epoch, val_check_interval must be a number of "
               "batches");
  IOLAUS_CHECK(o.gradient_clip_val >= 0 && std::isfinite(o.gradient_clip_val),
               "[Trainer] gradient_clip_val must not be negative, got {}", o.gradient_clip_val);
  IOLAUS_CHECK(o.gradient_clip_algorithm == "norm" || o.gradient_clip_algorithm == "value",
               "[Trainer] gradient_clip_algorithm must be 'norm' or 'value', got '{}'",
               o.gradient_clip_algorithm);
  IOLAUS_CHECK(o.profiler.empty() || o.profiler == "simple",
               "[Trainer] profiler must be null or 'simple', got '{}'", o.profiler);
  for (const BatchLimit& limit :
       {o.limit_train_batches, o.limit_val_batches, o.limit_test_batches, o.limit_predict_batches,
        o.overfit_batches, o.val_check_interval}) {
    IOLAUS_CHECK(
        limit.count >= -1 && limit.share >= 0 && limit.share <= 1,
        "[Trainer] limits of batches must be a share in [0.0, 1.0] or a number of batches, "
        "got {}",
        limit.count >= 0 ? static_cast<double>(limit.count) : limit.share);
  }
}

// For loggers that draw the model; the sizes are those of a batch.
void log_graph(Trainer& trainer, LightningModule& module, data::DataModule& data) {
  const data::DataLoader* loader = data.train_loader();
  if (trainer.loggers().empty() || loader == nullptr || loader->num_batches() == 0) return;
  const int64_t first[] = {0};
  Dims sizes = loader->dataset()->get_batch(first, {}).front().sizes();
  sizes[0] = loader->options().batch_size;
  trainer.for_each_logger([&](Logger& logger) { logger.log_graph(module.checkpointed(), sizes); });
}

// What fast_dev_run means: a few batches of everything, and nothing written.
void make_fast(TrainerOptions& o) {
  const BatchLimit few{1.0, o.fast_dev_run};
  o.limit_train_batches = o.limit_val_batches = o.limit_test_batches = o.limit_predict_batches =
      few;
  o.max_epochs = 1;
  o.max_steps = o.fast_dev_run;
  o.num_sanity_val_steps = 0;
  o.val_check_interval = {};
  o.check_val_every_n_epoch = 1;
  o.loggers.clear();
  o.enable_checkpointing = false;
  std::erase_if(o.callbacks, [](const auto& c) { return c->is_checkpoint(); });
}

}  // namespace

int64_t BatchLimit::of(int64_t batches) const {
  if (count >= 0) return std::min(batches, count);
  return static_cast<int64_t>(share * static_cast<double>(batches));
}

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) {
  check(options_);
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
  }
}

Trainer::~Trainer() = default;

void Trainer::reset_progress() {
  epoch_ = batch_ = global_step_ = batches_that_stepped_ = total_batches_ = 0;
  skipped_in_a_row_ = 0;
  seconds_before_ = 0;
  interrupted_by_ = 0;
  should_stop = false;
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
      t.at_boundary_.clear();
      t.overfit_loader_.reset();
    }
  } attached(*this, module, data);
  stage_ = stage;
  progress_bar_metrics_.clear();
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
    each_callback("on_fit_start", [&](Callback& c) { c.on_fit_start(*this, module); });
    module.on_fit_start();
    const std::string& from = ckpt_path.empty() ? options_.resume_from_checkpoint : ckpt_path;
    if (!from.empty()) restore(load_checkpoint(resolve_checkpoint(from)));
    log_graph(*this, module, data);
    sanity_check();
    fit_loop();
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
    Metrics metrics = evaluate(Stage::kValidate, -1, nullptr);
    for_each_logger([](Logger& logger) { logger.save(); });
    return metrics;
  });
}

Metrics Trainer::test(LightningModule& module, data::DataModule& data,
                      const std::string& ckpt_path) {
  return run(module, data, Stage::kTest, [&] {
    load_weights_from(ckpt_path);
    Metrics metrics = evaluate(Stage::kTest, -1, nullptr);
    for_each_logger([](Logger& logger) { logger.save(); });
    return metrics;
  });
}

Tensors Trainer::predict(LightningModule& module, data::DataModule& data,
                         const std::string& ckpt_path) {
  return run(module, data, Stage::kPredict, [&] {
    load_weights_from(ckpt_path);
    Tensors predictions;
    evaluate(Stage::kPredict, -1, &predictions);
    return predictions;
  });
}

void Trainer::log(const std::string& name, const Tensor& value, const LogOptions& options) {
  IOLAUS_CHECK(evaluating_ || stage_ == Stage::kFit, "[log] '{}' is logged outside of a loop",
               name);
  LoggedValues& values = evaluating_ ? evaluation_values_ : train_values_;
  values.add(name, value, options, in_batch_ && !evaluating_, current_batch_size_);
}

ModelCheckpoint* Trainer::checkpoint_callback() const {
  for (const auto& callback : callbacks_) {
    if (auto* found = dynamic_cast<ModelCheckpoint*>(callback.get())) return found;
  }
  return nullptr;
}

std::string Trainer::log_dir() const {
  for (const auto& logger : loggers_) {
    if (!logger->log_dir().empty()) return logger->log_dir();
  }
  return options_.default_root_dir;
}

void Trainer::for_each_logger(const std::function<void(Logger&)>& call) {
  std::erase_if(loggers_, [&](const std::shared_ptr<Logger>& logger) {
    try {
      call(*logger);
      return false;
    } catch (const Error& e) {
      warn("[Trainer] a logger failed and is left out from here on: {}", e.what());
      return true;
    }
  });
}

void Trainer::log_metrics(const Metrics& metrics, int64_t step) {
  if (metrics.empty()) return;
  Metrics all = metrics;
  all["epoch"] = static_cast<double>(epoch_);
  for_each_logger([&](Logger& logger) { logger.log_metrics(all, step); });
}

void Trainer::refresh_progress_bar_metrics() {
  for (const auto& [name, value] : train_values_.step_values(LoggedValues::For::kProgressBar)) {
    progress_bar_metrics_[name] = value;
  }
}

const data::DataLoader* Trainer::loader_of(Stage stage, data::DataModule& data) const {
  switch (stage) {
    case Stage::kValidate:
      return data.val_loader();
    case Stage::kTest:
      return data.test_loader();
    case Stage::kPredict:
      return data.predict_loader();
    default:
      return data.train_loader();
  }
}

int64_t Trainer::num_evaluation_batches(Stage stage, data::DataModule& data) const {
  const data::DataLoader* loader = loader_of(stage, data);
  if (loader == nullptr) return 0;
  const BatchLimit limit = stage == Stage::kValidate ? options_.limit_val_batches
                           : stage == Stage::kTest   ? options_.limit_test_batches
                                                     : options_.limit_predict_batches;
  return limit.of(loader->num_batches());
}

data::Batch Trainer::to_device(data::Batch batch) const {
  for (Tensor& field : batch.fields) {
    if (field.device() != device_) field = to(field, device_, true);
    if (dtype_ != kFloat32 && is_floating(field.dtype())) field = to(field, dtype_);
  }
  return batch;
}

}  // namespace iolaus::nn
