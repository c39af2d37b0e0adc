// SupervisedModule: a model, a loss and an optimizer from a config, trained on (input, target). It
// logs train/loss, and loss and acc of each evaluation ("val/loss", "test/acc"); acc where outputs
// are (N, C) and targets classes.
#pragma once

#include <functional>
#include <memory>

#include "nn/loss.h"
#include "nn/trainer/lightning_module.h"

namespace iolaus::nn {

class SupervisedModule final : public LightningModule {
 public:
  /// optimizers: called with the model when training starts; empty where nothing is trained.
  SupervisedModule(std::shared_ptr<Module> model, std::shared_ptr<Loss> loss,
                   std::function<OptimizerConfig(Module&)> optimizer = {});
  Tensor forward(const Tensor& x) override { return (*model_)(x); }
  std::string type_name() const override { return "SupervisedModule"; }
  Tensor training_step(const data::Batch& batch, int64_t batch_idx) override;
  void validation_step(const data::Batch& batch, int64_t batch_idx) override;
  void test_step(const data::Batch& batch, int64_t batch_idx) override;
  std::vector<OptimizerConfig> configure_optimizers() override;
  /// The model alone, so that names are those of its state_dict.
  Module& checkpointed() override { return *model_; }

 private:
  void evaluate(const data::Batch& batch, const std::string& stage);

  std::shared_ptr<Module> model_;
  std::shared_ptr<Loss> loss_;
  std::function<OptimizerConfig(Module&)> optimizer_;
};

}  // namespace iolaus::nn
