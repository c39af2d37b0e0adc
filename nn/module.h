// Module: a node of the model tree. It owns parameters (trained), buffers (saved, not trained) and
// child modules, each by name; names of the whole tree are dotted paths, as in PyTorch's
// state_dict.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "core/tensor.h"

namespace iolaus::nn {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

class Module;
/// Called before forward with its argument; a defined result replaces it.
using ForwardPreHook = std::function<Tensor(Module&, const Tensor& x)>;
/// Called after forward with its argument and result; a defined result replaces the latter.
using ForwardHook = std::function<Tensor(Module&, const Tensor& x, const Tensor& y)>;

/// Names that load_state_dict(state, false) left alone.
struct LoadResult {
  std::vector<std::string> missing;     // the module's, not in the state
  std::vector<std::string> unexpected;  // the state's, not in the module
};

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// The computation alone. Layers of several inputs or results have further overloads.
  virtual Tensor forward(const Tensor& x) = 0;
  /// forward between the hooks: what to call.
  Tensor operator()(const Tensor& x);
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
  /// All modules below with their dotted paths, this one first under the prefix; each once.
  std::vector<std::pair<std::string, Module*>> named_modules(const std::string& prefix = "");

  /// Parameters and lasting buffers by name; they share memory with the module.
  std::map<std::string, Tensor> state_dict() const;
  /// Copies values in. Errors: kInvalidArgument that lists all shapes that differ and, where
  /// strict, all names that are missing or unknown; nothing is changed then.
  LoadResult load_state_dict(const std::map<std::string, Tensor>& state, bool strict = true);

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
  /// Whether all parameters collect gradients.
  void requires_grad_(bool value = true);
  /// Calls fn with every module below, children first, then with this one.
  void apply(const std::function<void(Module&)>& fn);

  /// Hooks run in order of registration, in operator() only. They return a function that removes
  /// them, which may be called at any time, also when the module is gone.
  std::function<void()> register_forward_pre_hook(ForwardPreHook hook);
  std::function<void()> register_forward_hook(ForwardHook hook);

  /// Makes a parameter one that is computed: it leaves the list of parameters, `source` becomes the
  /// child parametrizations.<name>, and before each call the layer's weight becomes compute().
  /// Errors: kInvalidArgument where the module has no such parameter, or keeps no member for it.
  void parametrize(const std::string& name, std::shared_ptr<Module> source,
                   std::function<Tensor()> compute);
  /// A parameter of this module itself. Errors: kInvalidArgument.
  Tensor parameter(const std::string& name) const;
  /// The tree as PyTorch prints it.
  std::string print(int indent = 0) const;

 protected:
  /// Registers and returns it; it then requires a gradient. Undefined tensors are left out.
  Tensor register_parameter(const std::string& name, Tensor value);
  /// The same for a member of this object, so that parametrize() can reach it.
  void register_parameter(const std::string& name, Tensor& member, Tensor value);
  /// persistent: it is a part of state_dict.
  Tensor register_buffer(const std::string& name, Tensor value, bool persistent = true);
  template <class M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> module) {
    add_child(name, module);
    return module;
  }

 private:
  template <class Hook> struct Hooks {
    int64_t next = 0;
    std::map<int64_t, Hook> by_number;
  };
  template <class Hook>
  static std::function<void()> add_hook(std::shared_ptr<Hooks<Hook>>& hooks, Hook hook);
  void add_child(const std::string& name, std::shared_ptr<Module> module);
  void check_name(const std::string& name) const;
  template <class Fn> void for_each_tensor(Fn&& fn) const;
  void collect_state(const std::string& prefix, std::map<std::string, Tensor>& state) const;

  bool training_ = true;
  NamedTensors parameters_, buffers_;
  std::map<std::string, Tensor*> members_;
  std::set<std::string> transient_;  // buffers that are not saved
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  std::shared_ptr<Hooks<ForwardPreHook>> pre_hooks_;
  std::shared_ptr<Hooks<ForwardHook>> hooks_;
};

}  // namespace iolaus::nn
