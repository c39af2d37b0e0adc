// What modules, callbacks and the loops ask of the trainer: logging, loaders, devices.
#include "autograd/ops.h"
#include "core/warning.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/loggers/logger.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {

void Trainer::log(const std::string& name, const Tensor& value, const LogOptions& options) {
  IOLAUS_CHECK(evaluating_ || stage_ == Stage::kFit, "[log] '{}' is logged outside of a loop",
               name);
  if (graphed_ && graphed_->is_recording()) return graphed_->note(name, value, options);
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
  write_row(all, step);
}

void Trainer::write_row(const Metrics& metrics, int64_t step) {
  for_each_logger([&](Logger& logger) { logger.log_metrics(metrics, step); });
}

void Trainer::refresh_progress_bar_metrics() {
  for (const auto& [name, value] : train_values_.step_values(LoggedValues::For::kProgressBar)) {
    progress_bar_metrics_[name] = value;
  }
}

EvaluationPlan Trainer::evaluation_plan(Stage stage, data::DataModule& data) const {
  const bool validates = stage == Stage::kValidate;
  EvaluationPlan plan{validates               ? data.val_loaders()
                      : stage == Stage::kTest ? data.test_loaders()
                                              : data.predict_loaders(),
                      {}};
  const bool overfits = validates && !options_.overfit_batches.is_zero();
  const BatchLimit& limit = overfits                ? options_.overfit_batches
                            : validates             ? options_.limit_val_batches
                            : stage == Stage::kTest ? options_.limit_test_batches
                                                    : options_.limit_predict_batches;
  for (const data::Loader* loader : plan.loaders) {
    IOLAUS_CHECK(loader != nullptr, "[Trainer] one of the loaders to {} is null",
                 stage_name(stage));
    plan.batches.push_back(limited_batches(limit, loader->length(),
                                           validates               ? "val"
                                           : stage == Stage::kTest ? "test"
                                                                   : "predict"));
  }
  return plan;
}

data::Batch Trainer::to_device(data::Batch batch) const {
  for (Tensor& field : batch.fields) {
    if (field.device() != device_) field = to(field, device_, true);
    if (dtype_ != kFloat32 && is_floating(field.dtype())) field = to(field, dtype_);
  }
  return batch;
}

}  // namespace iolaus::nn
