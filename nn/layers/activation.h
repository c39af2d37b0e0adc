// Activations with weights or random numbers of their own.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// x for x > 0, else weight x, one weight or one for each channel. (He et al. 2015)
class PReLU final : public Module {
 public:
  explicit PReLU(int64_t num_parameters = 1, double init = 0.25);
  Tensor forward(const Tensor& x) override { return prelu(x, weight_); }
  std::string type_name() const override { return "PReLU"; }
  std::string describe() const override {
    return fmt::format("num_parameters={}", weight_.numel());
  }

 private:
  Tensor weight_;
};

/// x for x > 0, else x times a slope in [lower, upper), drawn for each element while training and
/// their mean in evaluation. (Xu et al. 2015)
class RReLU final : public Module {
 public:
  explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "RReLU"; }
  std::string describe() const override {
    return fmt::format("lower={}, upper={}", lower_, upper_);
  }

 private:
  double lower_, upper_;
};

}  // namespace iolaus::nn
