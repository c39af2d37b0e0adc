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
  plan_ = trainer.evaluation_plan(stage, *trainer.datamodule());
  if (trainer.sanity_checking()) plan_ = plan_.at_most(trainer.options().num_sanity_val_steps);
  loader_ = -1;
  evaluation_.reset();
}

// A bar for each loader.
void ProgressBar::on_evaluation_batch_start(Trainer& trainer, LightningModule&, Stage stage,
                                            const data::Batch& batch, int64_t) {
  if (loader_ == batch.dataloader_idx) return;
  if (evaluation_) evaluation_->finish("");
  evaluation_.reset();
  loader_ = batch.dataloader_idx;
  std::string label = trainer.sanity_checking()  ? "Sanity check"
                      : stage == Stage::kTest    ? "Testing"
                      : stage == Stage::kPredict ? "Predicting"
                                                 : "Validation";
  if (plan_.loaders.size() > 1) label += fmt::format(" DataLoader {}", loader_);
  evaluation_ =
      std::make_unique<Progress>(label, plan_.batches.at(static_cast<size_t>(loader_)), true);
}

void ProgressBar::on_evaluation_batch_end(Trainer&, LightningModule&, Stage,
                                          const data::Batch& batch, int64_t batch_idx) {
  evaluation_->update(batch_idx + 1, batch.size(), "");
}

void ProgressBar::on_evaluation_end(Trainer& trainer, LightningModule&, Stage) {
  if (evaluation_) evaluation_->finish(trainer.sanity_checking() ? "" : metrics_text(trainer));
  evaluation_.reset();
}

void ProgressBar::on_evaluation_abandoned(Trainer&, LightningModule&, Stage) {
  if (evaluation_) evaluation_->finish("");
  evaluation_.reset();
}

}  // namespace iolaus::nn
