// Trainer: the loops over epochs and batches, with Lightning's flags, hooks and order. It moves
// batches to the device, steps the optimizers, collects what modules log, and lets callbacks save,
// stop and show. Nothing waits for the device but the points where values are written or shown.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/callbacks/callback.h"
#include "nn/optim/grad_scaler.h"
#include "nn/trainer/batch_limits.h"
#include "nn/trainer/checkpoint.h"
#include "nn/trainer/graphed_pass.h"
#include "nn/trainer/lightning_module.h"
#include "nn/trainer/nonfinite.h"
#include "nn/trainer/profiler.h"
#include "nn/trainer/trainer_options.h"
#include "nn/trainer/training_pass.h"

namespace iolaus::nn {

class ModelCheckpoint;

class Trainer {
 public:
  /// Errors: kInvalidArgument for flags that make no sense or contradict each other, kUnsupported
  /// for what this build cannot do.
  explicit Trainer(TrainerOptions options);
  ~Trainer();

  /// Trains, and validates where there is such data. ckpt_path: a checkpoint, a folder of them, or
  /// a run's folder to continue from, to the bit. Errors: kInvalidArgument where there is no
  /// training data or the loss stops being finite; what steps and hooks throw; those of
  /// checkpoints.
  void fit(LightningModule& module, data::DataModule& data, const std::string& ckpt_path = "");
  /// Metrics of the validation or test data, of all its loaders; none where limits leave no batch.
  /// ckpt_path: weights to load; "best" and "last" are those of the last fit.
  Metrics validate(LightningModule& module, data::DataModule& data,
                   const std::string& ckpt_path = "");
  Metrics test(LightningModule& module, data::DataModule& data, const std::string& ckpt_path = "");
  /// What predict_step gives for each batch, one loader after the other.
  Tensors predict(LightningModule& module, data::DataModule& data,
                  const std::string& ckpt_path = "");
  /// The same, loader by loader, of the last predict.
  const std::vector<Tensors>& predictions() const { return predictions_; }

  const TrainerOptions& options() const { return options_; }
  Device device() const { return device_; }
  int64_t current_epoch() const { return epoch_; }
  /// Optimizer steps so far.
  int64_t global_step() const { return global_step_; }
  /// The step that logged values carry: batches (or accumulations) before this one.
  int64_t logged_step() const { return batches_that_stepped_; }
  /// Of an epoch; kAllBatches for a stream without a limit.
  int64_t num_training_batches() const { return num_training_batches_; }
  /// Batches of the epoch that are done.
  int64_t batches_done() const { return batch_; }
  /// Whether they are all: an epoch may end before, by max_steps and the like.
  bool epoch_is_complete() const { return epoch_complete_; }
  /// The loaders of an evaluation and their batches. Errors: those of limited_batches.
  EvaluationPlan evaluation_plan(Stage stage, data::DataModule& data) const;
  Stage stage() const { return stage_; }
  bool sanity_checking() const { return sanity_checking_; }
  /// Set by callbacks: training ends after this batch, once min_epochs and min_steps are reached.
  bool should_stop = false;
  /// Set by callbacks for an epoch: batches go through training_step without backward. The step of
  /// the last one is counted, and changes nothing.
  bool forward_only = false;
  /// For callbacks that add an epoch; -1: no limit.
  void set_max_epochs(int64_t epochs) { options_.max_epochs = epochs; }
  /// The signal that ended fit early; 0: none did.
  int interrupted_by() const { return interrupted_by_; }

  /// Every newest value by name, for callbacks.
  const Metrics& callback_metrics() const { return callback_metrics_; }
  const Metrics& progress_bar_metrics() const { return progress_bar_metrics_; }
  /// Brings on_step values of the batch into progress_bar_metrics(); waits for the device.
  void refresh_progress_bar_metrics();
  const std::vector<std::shared_ptr<Callback>>& callbacks() const { return callbacks_; }
  const std::vector<std::shared_ptr<Logger>>& loggers() const { return loggers_; }
  const std::vector<OptimizerConfig>& optimizers() const { return optimizers_; }
  std::vector<OptimizerConfig>& optimizers() { return optimizers_; }
  data::DataModule* datamodule() const { return data_; }
  /// The first callback that saves checkpoints, or null.
  ModelCheckpoint* checkpoint_callback() const;
  /// Where checkpoints and files of callbacks go: the first logger's folder, else default_root_dir.
  std::string log_dir() const;

  /// To all loggers, with the epoch; one that fails is left out with a warning from then on.
  void log_metrics(const Metrics& metrics, int64_t step);
  void for_each_logger(const std::function<void(Logger&)>& call);
  /// A batch on the trainer's device, in its precision.
  data::Batch to_device(data::Batch batch) const;
  /// Everything that training needs to go on from here.
  Checkpoint dump_checkpoint();
  /// Text that goes into checkpoints: the run's config, as YAML.
  std::string config_text;

  // For modules.
  void log(const std::string& name, const Tensor& value, const LogOptions& options);
  void backward(const Tensor& loss);
  void step_optimizer(size_t index);

 private:
  template <class Fn>
  auto run(LightningModule& module, data::DataModule& data, Stage stage, Fn&& fn);
  template <class Fn> void each_callback(const char* hook, Fn&& fn);
  void fit_loop();
  void train_epoch();
  void train_batch(data::Batch batch, int64_t batch_idx);
  void optimize(const data::Batch& batch, int64_t batch_idx, Tensor& loss);
  bool skip_nonfinite(const Tensor& loss, const data::Batch& batch, int64_t batch_idx);
  void step_with_closure(Optimizer& optimizer, const data::Batch& batch, int64_t batch_idx,
                         Tensor& loss);
  void check_cuda_graphs() const;
  Tensor graphed_pass(const data::Batch& batch, int64_t batch_idx, Optimizer& optimizer);
  Tensor training_step(const data::Batch& batch, int64_t batch_idx);
  void before_zero_grad(Optimizer& optimizer);
  void after_backward();
  void before_step(Optimizer& optimizer);
  void clip_gradients(Optimizer& optimizer);
  void count_batch(int64_t batch_idx);
  bool finish_batch(int64_t batch_idx);
  bool validate_within_fit();
  void finish_epoch();
  void step_schedulers(const char* interval, int64_t index, bool with_metric);
  void log_step_metrics();
  void check_finite();
  bool validation_is_due(int64_t batch_idx) const;
  bool accumulates_after(int64_t batch_idx) const;
  void check_val_interval();
  bool fit_is_done() const;
  bool stops_now();
  void sanity_check();
  Metrics evaluate(Stage stage, int64_t max_batches);
  void evaluate_loader(Stage stage, const EvaluationPlan& plan, size_t loader);
  void evaluation_step(Stage stage, const data::Batch& batch, int64_t batch_idx);
  void collect_evaluation();
  void finish_evaluation(Stage stage);
  const EvaluationPlan& validation_plan();
  const data::Loader& training_loader();
  void at_boundary();
  bool is_signalled() const;
  void stop_at_signal();
  void tell_savers();
  void write_row(const Metrics& metrics, int64_t step);
  void restore_model(const Checkpoint& checkpoint);
  void restore_training(const Checkpoint& checkpoint);
  std::string resolve_checkpoint(const std::string& ckpt_path) const;
  void load_weights_from(const std::string& ckpt_path);
  void reset_progress();

  TrainerOptions options_;
  Device device_;
  DType dtype_ = kFloat32;              // of parameters and inputs
  std::optional<DType> autocast_;       // mixed precision: what ops are cast to
  std::unique_ptr<GradScaler> scaler_;  // of float16
  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::vector<std::shared_ptr<Logger>> loggers_;

  LightningModule* module_ = nullptr;
  data::DataModule* data_ = nullptr;
  std::vector<OptimizerConfig> optimizers_;
  Stage stage_ = Stage::kFit;
  bool sanity_checking_ = false;
  bool evaluating_ = false;
  bool evaluation_abandoned_ = false;  // a signal came in the middle of it
  bool validation_due_ = false;        // after the batch that the checkpoint was made behind
  bool in_batch_ = false;              // of training: log() is on step there by default
  int interrupted_by_ = 0;

  int64_t epoch_ = 0, batch_ = 0, global_step_ = 0, batches_that_stepped_ = 0;
  int64_t total_batches_ = 0;  // over all epochs
  int64_t num_training_batches_ = 0;
  bool last_batch_ = false;  // of the epoch, as far as that is known
  bool epoch_complete_ = false;
  std::unique_ptr<TrainingPass> pass_;
  std::string stream_state_;  // of the checkpoint that training goes on from
  int64_t current_batch_size_ = 0;
  LoggedValues train_values_, evaluation_values_;
  Metrics callback_metrics_, progress_bar_metrics_;
  std::optional<EvaluationPlan> validation_plan_;  // of the fit
  std::vector<int64_t> evaluated_;                 // batches so far, of each loader: steps of rows
  std::vector<Tensors> predictions_;
  std::unique_ptr<GraphedPass> graphed_;  // of a fit with cuda_graphs
  NonfiniteWatch nonfinite_;
  int64_t skipped_in_a_row_ = 0;
  // Callbacks that save checkpoints, those of them that look at each batch, and what they are told
  // at the next boundary.
  std::vector<Callback*> savers_, batch_savers_;
  struct Pending {
    bool batch_end = false, evaluation_end = false, epoch_end = false;
    Tensor loss;
    data::Batch batch;
    int64_t batch_idx = 0;
  } pending_;
  std::unique_ptr<data::Loader> overfit_loader_;
  std::vector<std::unique_ptr<data::Loader>> overfit_validation_;
  std::chrono::steady_clock::time_point started_;
  double seconds_before_ = 0;  // of the runs that this one resumes
  Profiler profiler_;
};

}  // namespace iolaus::nn
