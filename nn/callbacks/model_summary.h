// ModelSummary: shows the model's layers before training (nn/summary.h).
#pragma once

#include "nn/callbacks/callback.h"

namespace iolaus::nn {

class ModelSummaryCallback final : public Callback {
 public:
  /// max_depth: levels of modules that are listed; -1: all.
  explicit ModelSummaryCallback(int64_t max_depth = 1) : max_depth_(max_depth) {}
  void on_fit_start(Trainer&, LightningModule&) override;
  std::string state_key() const override { return "ModelSummary"; }

 private:
  int64_t max_depth_;
};

}  // namespace iolaus::nn
