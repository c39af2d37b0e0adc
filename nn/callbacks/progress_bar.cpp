// The bar's labels and metrics.
#include "nn/callbacks/progress_bar.h"

#include "nn/loggers/logger.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {
namespace {

// With the version of the first logger that has one, as Lightning's v_num.
std::string metrics_text(const Trainer& trainer) {
  std::string version;
  for (const auto& logger : trainer.loggers()) {
    if (version.empty()) version = logger->version();
  }
  return progress_metrics(trainer.progress_bar_metrics(), version);
}

}  // namespace

void ProgressBar::on_train_epoch_start(Trainer& trainer, LightningModule&) {
  const int64_t epochs = trainer.options().max_epochs;
  const std::string label = epochs < 0
                                ? fmt::format("Epoch {}", trainer.current_epoch() + 1)
                                : fmt::format("Epoch {}/{}", trainer.current_epoch() + 1, epochs);
  train_ = std::make_unique<Progress>(label, trainer.num_training_batches(), true);
}

void ProgressBar::on_train_batch_end(Trainer& trainer, LightningModule&, const Tensor&,
                                     const data::Batch& batch, int64_t batch_idx) {
  // Reading the metrics waits for the device: only where they will be drawn.
  if (train_->is_due()) trainer.refresh_progress_bar_metrics();
  train_->update(batch_idx + 1, batch.size(), metrics_text(trainer));
}

void ProgressBar::on_train_epoch_end(Trainer& trainer, LightningModule&) {
  trainer.refresh_progress_bar_metrics();
  if (train_) train_->finish(metrics_text(trainer));
  train_.reset();
}

void ProgressBar::on_evaluation_start(Trainer& trainer, LightningModule&, Stage stage) {
  const char* label = trainer.sanity_checking()  ? "Sanity check"
                      : stage == Stage::kTest    ? "Testing"
                      : stage == Stage::kPredict ? "Predicting"
                                                 : "Validation";
  int64_t batches = trainer.num_evaluation_batches(stage, *trainer.datamodule());
  if (trainer.sanity_checking() && trainer.options().num_sanity_val_steps >= 0) {
    batches = std::min(batches, trainer.options().num_sanity_val_steps);
  }
  evaluation_ = std::make_unique<Progress>(label, batches, true);
}

void ProgressBar::on_evaluation_batch_end(Trainer&, LightningModule&, Stage,
                                          const data::Batch& batch, int64_t batch_idx) {
  evaluation_->update(batch_idx + 1, batch.size(), "");
}

void ProgressBar::on_evaluation_end(Trainer& trainer, LightningModule&, Stage) {
  evaluation_->finish(trainer.sanity_checking() ? "" : metrics_text(trainer));
  evaluation_.reset();
}

}  // namespace iolaus::nn
