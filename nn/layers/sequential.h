// Sequential: layers one after the other, named 0, 1, 2, ... or by given names.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

class Sequential final : public Module {
 public:
  Sequential() = default;
  explicit Sequential(const std::vector<std::shared_ptr<Module>>& layers);
  /// Appends a layer under its number, or under a name.
  void add(std::shared_ptr<Module> layer, const std::string& name = "");
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Sequential"; }
};

}  // namespace iolaus::nn
