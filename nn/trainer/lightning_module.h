// LightningModule: a model together with how it is trained. The trainer calls its steps and hooks;
// names and order are Lightning's. For a model with one loss there is SupervisedModule.
//
//   class Net : public nn::LightningModule {
//     Tensor training_step(const data::Batch& batch, int64_t) override {
//       const Tensor loss = cross_entropy(forward(batch.input()), batch.target());
//       log("train/loss", loss, {.prog_bar = true});
//       return loss;
//     }
//     std::vector<OptimizerConfig> configure_optimizers() override { ... }
//   };
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/data/data_module.h"
#include "nn/module.h"
#include "nn/optim/scheduler.h"
#include "nn/trainer/logged_values.h"

namespace iolaus::nn {

class Trainer;

enum class Stage { kFit, kValidate, kTest, kPredict };
const char* stage_name(Stage stage);

/// A schedule and when it steps.
struct SchedulerConfig {
  std::shared_ptr<Scheduler> scheduler;
  std::string interval = "epoch";  // or "step"
  int64_t frequency = 1;           // steps at every so many epochs or batches
  std::string monitor = {};        // metric of a schedule that looks at one
};

struct OptimizerConfig {
  std::shared_ptr<Optimizer> optimizer;
  std::vector<SchedulerConfig> schedulers = {};
};

class LightningModule : public Module {
 public:
  std::string type_name() const override { return "LightningModule"; }

  /// The loss of a batch that is on the module's device; undefined: the batch is left out. With
  /// automatic_optimization off the step calls backward and the optimizers itself.
  virtual Tensor training_step(const data::Batch& batch, int64_t batch_idx) = 0;
  /// Of a validation, test or prediction with several loaders, Batch::dataloader_idx says which.
  virtual void validation_step(const data::Batch&, int64_t /*batch_idx*/) {}
  virtual void test_step(const data::Batch&, int64_t /*batch_idx*/) {}
  virtual Tensor predict_step(const data::Batch& batch, int64_t /*batch_idx*/) {
    return forward(batch.input());
  }
  virtual std::vector<OptimizerConfig> configure_optimizers() = 0;
  /// False: training_step calls manual_backward() and optimizer_step() itself, for several
  /// optimizers (GANs). Clipping and accumulation are then its own matter too.
  virtual bool automatic_optimization() const { return true; }

  virtual void setup(Stage) {}
  virtual void teardown(Stage) {}
  virtual void on_fit_start() {}
  virtual void on_fit_end() {}
  virtual void on_train_start() {}
  virtual void on_train_end() {}
  virtual void on_train_epoch_start() {}
  virtual void on_train_epoch_end() {}
  virtual void on_train_batch_start(const data::Batch&, int64_t /*batch_idx*/) {}
  virtual void on_train_batch_end(const Tensor& /*loss*/, const data::Batch&, int64_t) {}
  virtual void on_before_zero_grad(Optimizer&) {}
  virtual void on_before_backward(const Tensor& /*loss*/) {}
  virtual void on_after_backward() {}
  virtual void on_before_optimizer_step(Optimizer&) {}
  /// of kValidate (also within fit), kTest and kPredict; batches count from 0 in each loader.
  virtual void on_evaluation_start(Stage) {}
  virtual void on_evaluation_epoch_start(Stage) {}
  virtual void on_evaluation_batch_start(Stage, const data::Batch&, int64_t) {}
  virtual void on_evaluation_batch_end(Stage, const data::Batch&, int64_t) {}
  virtual void on_evaluation_epoch_end(Stage) {}
  virtual void on_evaluation_end(Stage) {}
  /// In the place of the two above, where a signal ends training within a validation.
  virtual void on_evaluation_abandoned(Stage) {}
  /// The module whose state_dict checkpoints hold.
  virtual Module& checkpointed() { return *this; }

  /// Logs a value of one element, on any device, without waiting for it. Errors: see LoggedValues;
  /// kInvalidArgument outside of a trainer's loop.
  void log(const std::string& name, const Tensor& value, const LogOptions& options = {});
  void log(const std::string& name, double value, const LogOptions& options = {});

  /// For manual optimization: the optimizers of configure_optimizers(), backward, and one step.
  Optimizer& optimizer(size_t index = 0) const;
  void manual_backward(const Tensor& loss);
  void optimizer_step(size_t index = 0);

  /// The trainer that runs this module. Errors: kInvalidArgument outside of its loops.
  Trainer& trainer() const;
  /// Called by the trainer.
  void attach(Trainer* trainer) { trainer_ = trainer; }

 private:
  Trainer* trainer_ = nullptr;
};

}  // namespace iolaus::nn
