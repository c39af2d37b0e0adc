// Trainer: the loops over epochs and batches, with Lightning's names. It owns no model and no data;
// it moves batches to the device, steps the optimizer, accumulates metrics there, logs and saves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/data/data_module.h"
#include "nn/loggers/logger.h"
#include "nn/loss.h"
#include "nn/metrics.h"
#include "nn/module.h"
#include "nn/optim/scheduler.h"
#include "nn/trainer/checkpoint.h"

namespace iolaus::nn {

/// How many of an epoch's batches: a share, or a number where count is not negative.
struct BatchLimit {
  double share = 1.0;
  int64_t count = -1;
  int64_t of(int64_t batches) const;
};

struct TrainerOptions {
  int64_t max_epochs = 1;
  int64_t max_steps = -1;  // -1: no limit
  BatchLimit limit_train_batches, limit_val_batches, limit_test_batches;
  double gradient_clip_val = 0;  // 0: gradients are not clipped
  int64_t log_every_n_steps = 50;
  int64_t check_val_every_n_epoch = 1;
  bool enable_progress_bar = true;
  bool enable_checkpointing = true;
  int64_t save_top_k = 1;  // newest checkpoints to keep
};

/// What is trained, and on what.
struct Experiment {
  std::shared_ptr<Module> model;
  std::shared_ptr<Loss> loss;
  std::shared_ptr<Optimizer> optimizer;  // fit only
  std::shared_ptr<Scheduler> scheduler;  // may be null; one step an epoch
  std::shared_ptr<data::DataModule> data;
  Device device;
  std::string config;  // saved with checkpoints
};

class Trainer {
 public:
  /// Metrics and checkpoints go below output_dir (empty: nowhere).
  Trainer(TrainerOptions options, std::string output_dir,
          std::vector<std::shared_ptr<Logger>> loggers);

  /// Trains. resume: continue where this checkpoint stopped, to the bit. Returns the last metrics.
  /// Errors: kInvalidArgument where there is no training data or the loss stops being finite.
  Metrics fit(const Experiment& experiment, const Checkpoint* resume = nullptr);
  /// "test/loss" and "test/acc" on the test data.
  Metrics test(const Experiment& experiment);

 private:
  void train_epoch(const Experiment& e, int64_t first_batch);
  Metrics evaluate(const Experiment& e, const data::DataLoader& loader, const std::string& stage,
                   BatchLimit limit);
  void log(const Metrics& metrics);
  void save(const Experiment& e);
  bool done() const { return options_.max_steps >= 0 && step_ >= options_.max_steps; }

  TrainerOptions options_;
  std::string output_dir_;
  std::vector<std::shared_ptr<Logger>> loggers_;
  int64_t epoch_ = 0, batch_ = 0, step_ = 0;
  Metrics last_;
};

}  // namespace iolaus::nn
