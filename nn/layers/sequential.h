// Containers: layers one after the other, beside a shortcut, or just kept by number or by name.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

using Modules = std::vector<std::shared_ptr<Module>>;

/// Layers one after the other, named 0, 1, 2, ... or by given names.
class Sequential : public Module {
 public:
  Sequential() = default;
  explicit Sequential(const Modules& layers);
  /// Appends a layer under its number, or under a name.
  void add(std::shared_ptr<Module> layer, const std::string& name = "");
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Sequential"; }
};

/// y = layers(x) + shortcut(x); without a shortcut y = layers(x) + x. The shortcut is the child
/// of that name. (He et al. 2015)
class Residual final : public Module {
 public:
  Residual() = default;
  void add(std::shared_ptr<Module> layer, const std::string& name = "");
  void set_shortcut(std::shared_ptr<Module> shortcut);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "Residual"; }

 private:
  Modules layers_;
  std::shared_ptr<Module> shortcut_;
};

/// Modules by number, for classes that call them as they like. Errors: kUnsupported from forward.
class ModuleList final : public Module {
 public:
  ModuleList() = default;
  explicit ModuleList(const Modules& modules);
  void append(std::shared_ptr<Module> module);
  const std::shared_ptr<Module>& operator[](size_t i) const { return children().at(i).second; }
  size_t size() const { return children().size(); }
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "ModuleList"; }
};

/// Modules by name. Errors: kUnsupported from forward.
class ModuleDict final : public Module {
 public:
  void insert(const std::string& name, std::shared_ptr<Module> module);
  /// Errors: kNotFound.
  const std::shared_ptr<Module>& operator[](const std::string& name) const;
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "ModuleDict"; }
};

/// Parameters by number. Errors: kUnsupported from forward.
class ParameterList final : public Module {
 public:
  ParameterList() = default;
  explicit ParameterList(const Tensors& values);
  /// value requires a gradient then. Returns it.
  Tensor append(const Tensor& value);
  Tensor operator[](size_t i) const;
  size_t size() const { return static_cast<size_t>(count_); }
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "ParameterList"; }

 private:
  int64_t count_ = 0;
};

}  // namespace iolaus::nn
