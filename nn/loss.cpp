// Losses that are made of a function and constants.
#include "nn/loss.h"

#include "autograd/ops/copy.h"

namespace iolaus::nn {

FunctionLoss::FunctionLoss(std::string name, size_t least, size_t most, Fn fn, Tensors constants)
    : name_(std::move(name)),
      least_(least),
      most_(most),
      fn_(std::move(fn)),
      constants_(std::move(constants)) {}

Tensor FunctionLoss::forward(const Tensors& inputs) const {
  IOLAUS_CHECK(inputs.size() >= least_ && inputs.size() <= most_,
               "[{}] expected {} tensors, got {}", name_,
               least_ == most_ ? fmt::format("{}", least_) : fmt::format("{} to {}", least_, most_),
               inputs.size());
  for (Tensor& constant : constants_) {
    // Once, on the first call.
    if (constant.defined()) constant = to(constant, inputs[0].dtype(), inputs[0].device());
  }
  return fn_(inputs, constants_);
}

CrossEntropyLoss::CrossEntropyLoss(const CrossEntropyOptions& options)
    : FunctionLoss("CrossEntropyLoss", 2, 2,
                   [options](const Tensors& x, const Tensors& constants) {
                     CrossEntropyOptions o = options;
                     o.weight = constants[0];
                     return cross_entropy(x[0], x[1], o);
                   },
                   {options.weight}) {}

MSELoss::MSELoss(Reduction reduction)
    : FunctionLoss("MSELoss", 2, 2, [reduction](const Tensors& x, const Tensors&) {
        return mse_loss(x[0], x[1], reduction);
      }) {}

}  // namespace iolaus::nn
