// AveragedModel: a running average of a module's weights beside it, as
// torch.optim.swa_utils.AveragedModel: exponential (EMA) or over all updates alike (SWA).
#pragma once

#include <optional>

#include "nn/module.h"

namespace iolaus::nn {

class AveragedModel {
 public:
  /// decay: w = decay w + (1 - decay) p at each update; without one w is the mean of all updates.
  /// use_buffers: floating buffers are averaged too, instead of copied.
  /// Errors: kInvalidArgument for a decay outside [0, 1].
  AveragedModel(std::shared_ptr<Module> model, std::optional<double> decay,
                bool use_buffers = false);

  /// After an optimizer's step. The first update copies.
  void update_parameters();
  int64_t n_averaged() const { return n_averaged_; }
  /// Exchanges the values of the module and its average: to evaluate the average, and back.
  void swap();

  /// "n_averaged", and the averages as "module.name". Shares memory.
  std::map<std::string, Tensor> state_dict() const;
  /// Copies. Errors: kInvalidArgument naming entries that are missing or do not fit.
  void load_state_dict(const std::map<std::string, Tensor>& state);

 private:
  struct Entry {
    std::string name;
    Tensor own, average;
    bool averaged;
  };
  std::shared_ptr<Module> model_;
  std::optional<double> decay_;
  std::vector<Entry> entries_;
  int64_t n_averaged_ = 0;
};

}  // namespace iolaus::nn
