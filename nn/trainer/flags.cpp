// Checks and meanings of the trainer's flags.
#include "nn/trainer/flags.h"

#include <cmath>
#include <map>

#include "core/device_info.h"
#include "core/error.h"
#include "nn/callbacks/callback.h"
#include "nn/loggers/logger.h"

namespace iolaus::nn {

std::string full_precision(const std::string& name) {
  static const std::map<std::string, std::string> kOlder{
      {"32", "32-true"}, {"64", "64-true"}, {"16", "16-mixed"}, {"bf16", "bf16-mixed"}};
  const auto found = kOlder.find(name);
  return found == kOlder.end() ? name : found->second;
}

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

void check_flags(const TrainerOptions& o) {
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

}  // namespace iolaus::nn
