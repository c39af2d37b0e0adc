// StochasticWeightAveraging: from an epoch on the mean of the weights at each epoch's start, with a
// schedule that goes to a constant rate; at the end the module gets the mean. Lightning's callback.
// Where the module has batch normalisation, one epoch more collects its statistics: the batches go
// through training_step, without backward.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "nn/callbacks/callback.h"
#include "nn/optim/swa.h"

namespace iolaus::nn {

struct WeightAveragingOptions {
  std::vector<double> swa_lrs;         // one, or one for each group
  std::optional<int64_t> epoch_start;  // the n-th epoch, from 1; else
  double share_start = 0.8;            // after this share of max_epochs
  int64_t annealing_epochs = 10;
  bool linear = false;                      // else a half cosine
  std::optional<Device> device = Device();  // of the mean; none: the module's
};

class StochasticWeightAveraging final : public Callback {
 public:
  /// Errors: kInvalidArgument for rates that are not positive and a start that is none.
  explicit StochasticWeightAveraging(WeightAveragingOptions options);

  void setup(Trainer&, LightningModule&, Stage) override;
  /// Errors: kInvalidArgument for several optimizers or schedules, and for a share of epochs that
  /// have no end.
  void on_fit_start(Trainer&, LightningModule&) override;
  void on_train_epoch_start(Trainer&, LightningModule&) override;
  void on_train_epoch_end(Trainer&, LightningModule&) override;
  void on_train_end(Trainer&, LightningModule&) override;
  void on_exception(Trainer&, LightningModule&, const std::string&) override;
  void on_save_checkpoint(Trainer&, LightningModule&, Checkpoint&) override;
  void on_load_checkpoint(Trainer&, LightningModule&, const Checkpoint&) override;
  std::string state_key() const override { return "StochasticWeightAveraging"; }
  nlohmann::json state_dict() const override;
  void load_state_dict(const nlohmann::json& state) override;

  /// How many weights the mean is of.
  int64_t n_averaged() const { return n_averaged_; }
  /// The mean, in the order of the module's parameters; empty before the first.
  const Tensors& average() const { return average_; }

 private:
  bool averages_in(int64_t epoch) const;
  void begin(Trainer& trainer);
  void update(LightningModule& module);
  void transfer(LightningModule& module) const;
  void restore_epochs(Trainer& trainer);

  WeightAveragingOptions options_;
  int64_t start_ = 0;       // the first epoch, from 0
  int64_t max_epochs_ = 0;  // as the trainer's flag says
  int64_t extra_epochs_ = 0;
  int64_t n_averaged_ = 0, latest_update_epoch_ = -1;
  Tensors average_;
  std::shared_ptr<SWALR> scheduler_;
  std::string scheduler_state_;  // JSON, of a checkpoint
  std::unique_ptr<CollectBatchNorm> collecting_;
};

}  // namespace iolaus::nn
