// Stochastic weight averaging, as torch.optim.swa_utils has it: SWALR, the schedule, and update_bn,
// the statistics of batch normalisation for averaged weights (averaged.h). The callback
// StochasticWeightAveraging does all of it. (Izmailov et al. 2018)
#pragma once

#include "nn/data/pass.h"
#include "nn/module.h"
#include "nn/optim/scheduler.h"

namespace iolaus::nn {

/// From the rates that the groups have to swa_lr in anneal_epochs, by a half cosine or along a
/// line, then constant. The rate of a group is kept as its option "swa_lr", as PyTorch does.
class SWALR final : public Scheduler {
 public:
  /// swa_lr: one rate, or one for each group. Errors: kInvalidArgument for another number of them,
  /// and for anneal_epochs < 0.
  SWALR(std::shared_ptr<Optimizer> optimizer, std::vector<double> swa_lr,
        int64_t anneal_epochs = 10, bool linear = false);
  std::string type_name() const override { return "SWALR"; }

 protected:
  std::vector<double> rates() override;

 private:
  // How far the rates are on their way after so many steps, in [0, 1].
  double progress(int64_t steps) const;

  int64_t anneal_epochs_;
  bool linear_;
};

class BatchNorm;

/// The batch normalisations below a module while their statistics are collected anew: they begin at
/// nothing, or go on from what is there, and become the mean of all batches that go through. The
/// momentum comes back in the end.
class CollectBatchNorm {
 public:
  explicit CollectBatchNorm(Module& model, bool from_nothing = true);
  ~CollectBatchNorm();
  CollectBatchNorm(const CollectBatchNorm&) = delete;
  CollectBatchNorm& operator=(const CollectBatchNorm&) = delete;
  bool empty() const { return momenta_.empty(); }

 private:
  std::vector<std::pair<BatchNorm*, std::optional<double>>> momenta_;
};

/// Whether statistics are to be collected at all.
bool has_batch_norm(Module& model);

/// Sends the first field of all batches of epoch 0 through the model, so that the statistics of its
/// batch normalisations are theirs; the model's weights and mode stay. A model without any is left
/// alone. device: where the model is.
void update_bn(const data::Loader& loader, Module& model, Device device = {});

}  // namespace iolaus::nn
