// ModelCheckpoint: when training is saved, under which name, and which checkpoints stay. Arguments
// and names are those of Lightning's; each checkpoint is a folder (nn/trainer/checkpoint.h).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "nn/callbacks/callback.h"
#include "nn/trainer/checkpoint.h"

namespace iolaus::nn {

struct ModelCheckpointOptions {
  std::string dirpath = {};   // default: checkpoints/ in the trainer's log_dir()
  std::string filename = {};  // default: "{epoch}-{step}"
  std::string monitor = {};   // metric that decides; empty: the newest stay
  std::string mode = "min";   // or max
  bool verbose = false;
  bool save_last = false;  // last.ckpt, always the newest
  int64_t save_top_k = 1;  // how many stay; -1: all, 0: none
  bool save_weights_only = false;
  bool auto_insert_metric_name = true;  // "{epoch}" becomes "epoch=3", else "3"
  int64_t every_n_train_steps = 0;
  std::optional<double> train_time_interval = {};  // seconds
  std::optional<int64_t> every_n_epochs = {};      // default: 1 where nothing else is set
  std::optional<bool> save_on_train_epoch_end =
      {};                     // default: unless validation has its own rhythm
  bool asynchronous = false;  // written in the background, one at a time
};

class ModelCheckpoint final : public Callback {
 public:
  /// Errors: kInvalidArgument for options that contradict each other.
  explicit ModelCheckpoint(ModelCheckpointOptions options = {});

  void on_train_start(Trainer&, LightningModule&) override;
  void on_train_batch_end(Trainer&, LightningModule&, const Tensor&, const data::Batch&,
                          int64_t) override;
  void on_evaluation_end(Trainer&, LightningModule&, Stage) override;
  void on_train_epoch_end(Trainer&, LightningModule&) override;
  void on_train_end(Trainer&, LightningModule&) override;
  void on_load_checkpoint(Trainer&, LightningModule&, const Checkpoint&) override;
  bool is_checkpoint() const override { return true; }
  bool saves_after_batches() const override {
    return options_.every_n_train_steps > 0 || options_.train_time_interval.has_value();
  }
  std::string state_key() const override;
  nlohmann::json state_dict() const override;
  void load_state_dict(const nlohmann::json& state) override;

  /// Saves interrupted.ckpt, for a run that a signal ends; waits until it is on disk.
  void save_interrupted(Trainer& trainer);
  /// The folder of the checkpoints.
  std::string directory(const Trainer& trainer) const;
  /// "" before the first.
  const std::string& best_model_path() const { return best_path_; }
  const std::string& last_model_path() const { return last_path_; }
  std::optional<double> best_model_score() const { return best_score_; }
  const ModelCheckpointOptions& options() const { return options_; }

  /// A file name from a template: "{epoch:03d}-{val/acc:.2f}" with metrics, epoch and step.
  /// Errors: kInvalidArgument for a format that does not fit.
  static std::string format_name(const std::string& filename,
                                 const std::map<std::string, double>& metrics,
                                 bool auto_insert_metric_name);

 private:
  bool saves_on_train_epoch_end(const Trainer& trainer) const;
  bool skips(const Trainer& trainer) const;
  void save(Trainer& trainer);
  void save_top_k(Trainer& trainer, const std::map<std::string, double>& metrics);
  bool is_better(double a, double b) const;
  std::string new_path(const Trainer& trainer, const std::map<std::string, double>& metrics) const;
  void write(Trainer& trainer, const std::string& path, const SaveOptions& options);
  std::string last_link(const Trainer& trainer) const;

  ModelCheckpointOptions options_;
  std::string saved_dir_;               // of the newest save
  std::map<std::string, double> kept_;  // score by path; without a monitor the step
  std::optional<double> best_score_;
  std::string best_path_, last_path_;
  int64_t last_saved_step_ = -1;
  std::chrono::steady_clock::time_point last_time_;
  CheckpointWriter writer_;
};

}  // namespace iolaus::nn
