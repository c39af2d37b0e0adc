// Loss: a function of outputs and targets that a config can name.
#pragma once

#include "autograd/ops/loss.h"

namespace iolaus::nn {

class Loss {
 public:
  virtual ~Loss() = default;
  virtual Tensor operator()(const Tensor& output, const Tensor& target) const = 0;
};

class CrossEntropyLoss final : public Loss {
 public:
  explicit CrossEntropyLoss(CrossEntropyOptions options = {}) : options_(std::move(options)) {}
  Tensor operator()(const Tensor& output, const Tensor& target) const override {
    return cross_entropy(output, target, options_);
  }

 private:
  CrossEntropyOptions options_;
};

class MSELoss final : public Loss {
 public:
  explicit MSELoss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& output, const Tensor& target) const override {
    return mse_loss(output, target, reduction_);
  }

 private:
  Reduction reduction_;
};

}  // namespace iolaus::nn
