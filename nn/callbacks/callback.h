// Callback: something that happens at points of training, apart from the model. Hooks are
// Lightning's; the trainer calls the callbacks in their order, checkpoints last, and each hook of
// the module after theirs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "nn/trainer/lightning_module.h"

namespace iolaus::nn {

struct Checkpoint;
class Trainer;

class Callback {
 public:
  virtual ~Callback() = default;

  virtual void setup(Trainer&, LightningModule&, Stage) {}
  virtual void teardown(Trainer&, LightningModule&, Stage) {}
  virtual void on_fit_start(Trainer&, LightningModule&) {}
  virtual void on_fit_end(Trainer&, LightningModule&) {}
  virtual void on_sanity_check_start(Trainer&, LightningModule&) {}
  virtual void on_sanity_check_end(Trainer&, LightningModule&) {}
  virtual void on_train_start(Trainer&, LightningModule&) {}
  virtual void on_train_end(Trainer&, LightningModule&) {}
  virtual void on_train_epoch_start(Trainer&, LightningModule&) {}
  virtual void on_train_epoch_end(Trainer&, LightningModule&) {}
  virtual void on_train_batch_start(Trainer&, LightningModule&, const data::Batch&, int64_t) {}
  virtual void on_train_batch_end(Trainer&, LightningModule&, const Tensor& /*loss*/,
                                  const data::Batch&, int64_t) {}
  virtual void on_before_zero_grad(Trainer&, LightningModule&, Optimizer&) {}
  virtual void on_before_backward(Trainer&, LightningModule&, const Tensor& /*loss*/) {}
  virtual void on_after_backward(Trainer&, LightningModule&) {}
  virtual void on_before_optimizer_step(Trainer&, LightningModule&, Optimizer&) {}
  /// of kValidate (also within fit), kTest and kPredict; with several loaders
  /// Batch::dataloader_idx says which, and batches count from 0 in each.
  virtual void on_evaluation_start(Trainer&, LightningModule&, Stage) {}
  virtual void on_evaluation_epoch_start(Trainer&, LightningModule&, Stage) {}
  virtual void on_evaluation_batch_start(Trainer&, LightningModule&, Stage, const data::Batch&,
                                         int64_t) {}
  virtual void on_evaluation_batch_end(Trainer&, LightningModule&, Stage, const data::Batch&,
                                       int64_t) {}
  virtual void on_evaluation_epoch_end(Trainer&, LightningModule&, Stage) {}
  virtual void on_evaluation_end(Trainer&, LightningModule&, Stage) {}
  /// In the place of the two above, where a signal ends training within a validation: what was
  /// changed for it must be put back, since a checkpoint follows.
  virtual void on_evaluation_abandoned(Trainer&, LightningModule&, Stage) {}
  /// what: the error's message. The error goes on after it.
  virtual void on_exception(Trainer&, LightningModule&, const std::string& /*what*/) {}
  virtual void on_save_checkpoint(Trainer&, LightningModule&, Checkpoint&) {}
  virtual void on_load_checkpoint(Trainer&, LightningModule&, const Checkpoint&) {}

  /// True for callbacks that save checkpoints: their hooks on_train_batch_end, on_evaluation_end
  /// and on_train_epoch_end are called when everything else that belongs to the moment is done, so
  /// that what they save is exactly the point where training goes on.
  virtual bool is_checkpoint() const { return false; }
  /// Of those: false where on_train_batch_end does nothing, so that no batch is kept for it.
  virtual bool saves_after_batches() const { return true; }
  /// The class, and what tells two callbacks of one class apart; for state in checkpoints.
  virtual std::string state_key() const = 0;
  /// What a checkpoint keeps of the callback; null: nothing.
  virtual nlohmann::json state_dict() const;
  virtual void load_state_dict(const nlohmann::json& state);
};

}  // namespace iolaus::nn
