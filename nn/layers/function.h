// A layer that is a function of its input.
#pragma once

#include <functional>

#include "nn/module.h"

namespace iolaus::nn {

/// A function as a layer: FunctionLayer("ReLU", "", relu).
class FunctionLayer final : public Module {
 public:
  FunctionLayer(std::string name, std::string arguments, std::function<Tensor(const Tensor&)> fn)
      : name_(std::move(name)), arguments_(std::move(arguments)), fn_(std::move(fn)) {}
  Tensor forward(const Tensor& x) override { return fn_(x); }
  std::string type_name() const override { return name_; }
  std::string describe() const override { return arguments_; }

 private:
  std::string name_, arguments_;
  std::function<Tensor(const Tensor&)> fn_;
};

}  // namespace iolaus::nn
