// GradScaler: scales the loss so that gradients in float16 do not vanish, and skips a step whose
// gradients overflowed, as torch.amp.GradScaler:
//
//   scaler.scale(loss).backward();
//   scaler.unscale_(optimizer);  // only where gradients are clipped
//   scaler.step(optimizer);
//   scaler.update();
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "nn/optim/optimizer.h"

namespace iolaus::nn {

struct GradScalerOptions {
  double init_scale = 65536, growth_factor = 2, backoff_factor = 0.5;
  int64_t growth_interval = 2000;  // steps without an infinity after which the scale grows
  bool enabled = true;             // false: every call is as if there were no scaler
};

class GradScaler {
 public:
  /// Errors: kInvalidArgument for a growth_factor of at most 1 or a backoff_factor of at least 1.
  explicit GradScaler(const GradScalerOptions& options = {});

  Tensor scale(const Tensor& loss) const;
  /// Divides the gradients by the scale and looks for infinities and NaN: one kernel call for each
  /// dtype and device. Errors: kInvalidArgument where it was done already for this step, and for
  /// gradients in float16, which cannot hold what was too small to be seen unscaled.
  void unscale_(Optimizer& optimizer);
  /// Unscales, if that was not done, and steps unless a gradient is not finite, for which it waits
  /// for the device. Returns whether it stepped.
  bool step(Optimizer& optimizer);
  /// After the steps of all optimizers: the next scale, or the given one.
  void update(std::optional<double> new_scale = {});
  double get_scale() const { return options_.enabled ? scale_ : 1; }
  bool is_enabled() const { return options_.enabled; }

  /// scale, growth_factor, backoff_factor, growth_interval, _growth_tracker; empty where disabled.
  nlohmann::json state_dict() const;
  /// Errors: kInvalidArgument for a state that is none.
  void load_state_dict(const nlohmann::json& state);

 private:
  enum class Stage { kReady, kUnscaled, kStepped };
  struct Progress {
    Stage stage = Stage::kReady;
    Tensor found_inf;  // on the device of the gradients; undefined where there are none
  };
  GradScalerOptions options_;
  double scale_;  // a float32
  int64_t growth_tracker_ = 0;
  std::map<const Optimizer*, Progress> progress_;  // since the last update
};

}  // namespace iolaus::nn
