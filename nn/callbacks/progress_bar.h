// ProgressBar: shows how far training and evaluation are (nn/trainer/progress.h).
#pragma once

#include <memory>

#include "nn/callbacks/callback.h"
#include "nn/trainer/batch_limits.h"
#include "nn/trainer/progress.h"

namespace iolaus::nn {

class ProgressBar final : public Callback {
 public:
  void on_train_epoch_start(Trainer&, LightningModule&) override;
  void on_train_batch_end(Trainer&, LightningModule&, const Tensor&, const data::Batch&,
                          int64_t) override;
  void on_train_epoch_end(Trainer&, LightningModule&) override;
  void on_evaluation_start(Trainer&, LightningModule&, Stage) override;
  void on_evaluation_batch_start(Trainer&, LightningModule&, Stage, const data::Batch&,
                                 int64_t) override;
  void on_evaluation_batch_end(Trainer&, LightningModule&, Stage, const data::Batch&,
                               int64_t) override;
  void on_evaluation_end(Trainer&, LightningModule&, Stage) override;
  void on_evaluation_abandoned(Trainer&, LightningModule&, Stage) override;
  std::string state_key() const override { return ""; }

 private:
  std::unique_ptr<Progress> train_, evaluation_;
  EvaluationPlan plan_;
  int64_t loader_ = 0;  // of several: whose bar it is
};

}  // namespace iolaus::nn
