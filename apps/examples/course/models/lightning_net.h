// LightningNet: the course's network of two convolutions and three linear layers, and how it is
// trained.
#pragma once

#include <functional>
#include <memory>

#include "nn/loss.h"
#include "nn/trainer/lightning_module.h"

namespace course {

class LightningNet final : public iolaus::nn::LightningModule {
 public:
  using MakeOptimizer =
      std::function<std::shared_ptr<iolaus::nn::Optimizer>(std::vector<iolaus::nn::ParamGroup>)>;

  /// Images (N, in_channels, image_size, image_size) to (N, num_classes).
  LightningNet(int64_t num_classes, MakeOptimizer optimizer, std::shared_ptr<iolaus::nn::Loss> loss,
               int64_t in_channels = 3, int64_t image_size = 32);
  std::string type_name() const override { return "LightningNet"; }
  iolaus::Tensor forward(const iolaus::Tensor& x) override;
  iolaus::Tensor training_step(const iolaus::nn::data::Batch& batch, int64_t) override;
  void validation_step(const iolaus::nn::data::Batch& batch, int64_t) override;
  void test_step(const iolaus::nn::data::Batch& batch, int64_t) override;
  std::vector<iolaus::nn::OptimizerConfig> configure_optimizers() override;

 private:
  iolaus::Tensor step(const iolaus::nn::data::Batch& batch, const char* stage);

  MakeOptimizer make_optimizer_;
  std::shared_ptr<iolaus::nn::Loss> loss_;
  std::shared_ptr<iolaus::nn::Module> conv1_, conv2_, pool_, fc1_, fc2_, fc3_;
};

}  // namespace course
