// LearningRateMonitor: logs the rate of each group of each optimizer, under Lightning's names:
// lr-SGD, lr-SGD/pg2 with several groups, lr-SGD-1 for a second optimizer of the class.
#pragma once

#include <string>

#include "nn/callbacks/callback.h"

namespace iolaus::nn {

class LearningRateMonitor final : public Callback {
 public:
  /// logging_interval: "step", "epoch", or "" for both. Errors: kInvalidArgument for another.
  explicit LearningRateMonitor(std::string logging_interval = "", bool log_momentum = false,
                               bool log_weight_decay = false);
  void on_train_batch_start(Trainer&, LightningModule&, const data::Batch&, int64_t) override;
  void on_train_epoch_start(Trainer&, LightningModule&) override;
  std::string state_key() const override { return "LearningRateMonitor"; }

 private:
  void log(Trainer& trainer) const;

  std::string interval_;
  bool momentum_, weight_decay_;
};

}  // namespace iolaus::nn
