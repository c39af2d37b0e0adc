// Module: a node of the model tree. It owns parameters (trained), buffers (saved, not trained) and
// child modules, each by name; names of the whole tree are dotted paths, as in PyTorch's
// state_dict.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "core/tensor.h"

namespace iolaus::nn {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  virtual Tensor forward(const Tensor& x) = 0;
  Tensor operator()(const Tensor& x) { return forward(x); }
  /// "Linear", "Conv2d", ...: the class, for summaries.
  virtual std::string type_name() const = 0;
  /// "in_features=784, out_features=10": what print() shows in parentheses.
  virtual std::string describe() const { return ""; }

  /// In order of registration, own ones before the children's.
  NamedTensors named_parameters(const std::string& prefix = "") const;
  NamedTensors named_buffers(const std::string& prefix = "") const;
  Tensors parameters() const;
  const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& children() const {
    return children_;
  }
  int64_t parameter_count() const;

  /// Parameters and buffers by name; they share memory with the module.
  std::map<std::string, Tensor> state_dict() const;
  /// Copies values in. Errors: kInvalidArgument that lists all names that are missing or unknown
  /// and all shapes that differ; nothing is changed then.
  void load_state_dict(const std::map<std::string, Tensor>& state);

  /// Training or evaluation, for this module and all below.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }
  /// Moves all parameters and buffers; their handles (also those in optimizers) stay valid.
  void to(Device device);
  /// Converts floating parameters and buffers.
  void to(DType dtype);
  /// Drops all gradients.
  void zero_grad();
  /// The tree as PyTorch prints it.
  std::string print(int indent = 0) const;

 protected:
  /// Registers and returns it; it then requires a gradient. Undefined tensors are left out.
  Tensor register_parameter(const std::string& name, Tensor value);
  Tensor register_buffer(const std::string& name, Tensor value);
  template <class M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> module) {
    add_child(name, module);
    return module;
  }

 private:
  void add_child(const std::string& name, std::shared_ptr<Module> module);
  void check_name(const std::string& name) const;
  template <class Fn> void for_each_tensor(Fn&& fn) const;

  bool training_ = true;
  NamedTensors parameters_, buffers_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
};

}  // namespace iolaus::nn
