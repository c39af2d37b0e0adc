// The trainer's flags, with Lightning's names and defaults.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace iolaus::nn {

class Callback;
class Logger;

/// How many of an epoch's batches: a share in [0, 1], or a number where count is not negative.
struct BatchLimit {
  double share = 1.0;
  int64_t count = -1;
  /// At most `batches`.
  int64_t of(int64_t batches) const;
  bool is_zero() const { return count < 0 ? share == 0 : count == 0; }
};

/// What to do about a loss that is NaN or infinite.
enum class NanPolicy {
  kError,   // end with an error that names the batch; nothing of it is saved
  kSkip,    // leave the batch out; looks at each loss and gradient norm, which waits for the device
  kIgnore,  // go on, as PyTorch does
};

struct TrainerOptions {
  std::string accelerator = "auto";  // auto, cpu, gpu, cuda, or a device: cuda:1
  int64_t device_index = 0;          // of the accelerator
  std::string precision = "32-true";
  std::vector<std::shared_ptr<Logger>> loggers = {};
  std::vector<std::shared_ptr<Callback>> callbacks = {};
  std::string default_root_dir = ".";

  int64_t fast_dev_run = 0;  // this many batches of everything, nothing written
  int64_t max_epochs = -1;   // -1: no limit
  int64_t min_epochs = 0;
  int64_t max_steps = -1;  // optimizer steps; -1: no limit
  int64_t min_steps = 0;
  std::optional<double> max_time = {};  // seconds
  BatchLimit limit_train_batches = {}, limit_val_batches = {}, limit_test_batches = {},
             limit_predict_batches = {};
  BatchLimit overfit_batches{0.0, -1};  // train and validate on these first batches, unshuffled
  BatchLimit val_check_interval = {};   // part of an epoch, or a number of batches
  std::optional<int64_t> check_val_every_n_epoch =
      1;                             // none: val_check_interval counts over epochs
  int64_t num_sanity_val_steps = 2;  // batches of validation before training; -1: all
  int64_t log_every_n_steps = 50;
  bool enable_checkpointing = true;  // adds a ModelCheckpoint where there is none
  bool enable_progress_bar = true;
  bool enable_model_summary = true;
  int64_t accumulate_grad_batches = 1;
  double gradient_clip_val = 0;                  // 0: gradients are not clipped
  std::string gradient_clip_algorithm = "norm";  // or value
  bool detect_anomaly = false;  // each backward is checked for NaN, and the op is named
  std::string profiler = {};    // "simple": a table of where the time went, at the end
  bool cuda_graphs = false;     // forward and backward as one graph; see Trainer::check_cuda_graphs
  NanPolicy nan_policy = NanPolicy::kError;
  int64_t nan_patience = 10;                // kSkip: an error after so many bad batches in a row
  std::string resume_from_checkpoint = {};  // of fit, where it gets no ckpt_path
  bool handle_signals = true;  // SIGTERM, SIGINT, SIGUSR1: checkpoint at the next step, then stop
};

}  // namespace iolaus::nn
