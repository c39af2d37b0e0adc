// Loss: a function of outputs and targets that a config can name.
#pragma once

#include <functional>

#include "autograd/ops/loss.h"

namespace iolaus::nn {

class Loss {
 public:
  virtual ~Loss() = default;
  Tensor operator()(const Tensor& output, const Tensor& target) const {
    return forward({output, target});
  }
  /// The inputs in PyTorch's order: (output, target), (anchor, positive, negative), ...
  /// Errors: kInvalidArgument for another number of them.
  virtual Tensor forward(const Tensors& inputs) const = 0;
  /// "CrossEntropyLoss", ...: the class, for summaries.
  virtual std::string type_name() const = 0;
};

/// A function as a loss, with constants (weights of classes, ...) that follow the inputs to their
/// device and dtype and may be undefined.
class FunctionLoss : public Loss {
 public:
  using Fn = std::function<Tensor(const Tensors& inputs, const Tensors& constants)>;
  /// It takes `least` to `most` inputs.
  FunctionLoss(std::string name, size_t least, size_t most, Fn fn, Tensors constants = {});
  Tensor forward(const Tensors& inputs) const override;
  std::string type_name() const override { return name_; }

 private:
  std::string name_;
  size_t least_, most_;
  Fn fn_;
  mutable Tensors constants_;
};

/// The two that programs use most; all others are made from configs.
class CrossEntropyLoss final : public FunctionLoss {
 public:
  explicit CrossEntropyLoss(const CrossEntropyOptions& options = {});
};
class MSELoss final : public FunctionLoss {
 public:
  explicit MSELoss(Reduction reduction = Reduction::kMean);
};

}  // namespace iolaus::nn
