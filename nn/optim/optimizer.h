// Optimizers: groups of parameters, each with its own options, and one state per parameter. A step
// of an elementwise rule is one multi-tensor kernel call per group and dtype. Names, formulas and
// state names are PyTorch's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/optimizer/optimizer.h"

namespace iolaus::nn {

/// Options by name: "lr", "momentum", "weight_decay", ... (booleans as 0 and 1).
using OptimizerOptions = std::map<std::string, double>;

struct ParamGroup {
  Tensors params;
  OptimizerOptions options;
};

class Optimizer {
 public:
  /// Clears the gradients, computes the loss and its gradients, and returns the loss.
  using Closure = std::function<Tensor()>;

  /// Errors: kInvalidArgument where there are no parameters or one appears twice.
  Optimizer(std::vector<ParamGroup> groups, const OptimizerOptions& defaults);
  virtual ~Optimizer() = default;

  /// One step for all parameters that have a gradient.
  void step();
  /// Calls the closure, with gradients recorded, as often as the method needs, and steps. Returns
  /// the first loss.
  Tensor step(const Closure& closure);
  /// Whether a step cannot do without the closure (LBFGS).
  virtual bool needs_closure() const { return false; }
  void zero_grad();
  std::vector<ParamGroup>& groups() { return groups_; }
  /// Errors: as the constructor's.
  void add_param_group(ParamGroup group);
  /// Whether groups have the option: "momentum", "beta1", ...
  bool has_option(const std::string& name) const { return defaults_.contains(name); }
  virtual std::string type_name() const = 0;

  /// State by "index.name" ("0.momentum_buffer"), the index counting parameters over all groups,
  /// and "index.step" as int64. Shares memory with the optimizer.
  virtual std::map<std::string, Tensor> state_dict() const;
  /// Copies. Errors: kInvalidArgument naming entries that do not fit.
  virtual void load_state_dict(const std::map<std::string, Tensor>& state);
  /// Scalar options of each group, for the JSON part of a checkpoint.
  std::vector<OptimizerOptions> options() const;
  void set_options(const std::vector<OptimizerOptions>& options);

 protected:
  struct ParamState {
    int64_t step = 0;
    std::vector<Tensor> buffers;
  };
  /// Names of the buffers that a group keeps per parameter.
  virtual std::vector<std::string> buffer_names(const OptimizerOptions& options) const = 0;
  /// A buffer before the first step; undefined where this parameter has none of that name.
  virtual Tensor new_buffer(size_t index, const Tensor& p, const OptimizerOptions& options) const;
  /// Throws where a group cannot be trained.
  virtual void check_group(const ParamGroup&) const {}
  /// One step of a group; no gradients are recorded.
  virtual void update(const ParamGroup& group) = 0;
  virtual Tensor step_with(const Closure& closure);
  /// The state of a parameter, made where it is new.
  ParamState& state_of(const Tensor& p, size_t buffers, const OptimizerOptions& options);
  const std::vector<ParamGroup>& param_groups() const { return groups_; }

 private:
  void adopt(ParamGroup& group) const;

  std::vector<ParamGroup> groups_;
  OptimizerOptions defaults_;
  std::map<const TensorImpl*, ParamState> state_;
};

/// All parameters in one group.
std::vector<ParamGroup> one_group(Tensors params);

/// An optimizer whose step is a kernel; its buffers are the kernel's states, in that order.
class FusedOptimizer : public Optimizer {
 public:
  using Optimizer::Optimizer;

 protected:
  /// Sets the kernel's numbers and runs it.
  virtual void run(OptimizerStep& step, const OptimizerOptions& options) = 0;
  /// Sets what is particular to one parameter.
  virtual void set_item(OptimizerItem&, ParamState&, const OptimizerOptions&) {}

 private:
  void update(const ParamGroup& group) override;
};

/// An optimizer whose step is made of tensor operations, one parameter after the other.
class ComposedOptimizer : public Optimizer {
 public:
  using Optimizer::Optimizer;

 protected:
  /// Changes p. The gradient has p's dtype and is negated to maximize.
  virtual void update_param(const Tensor& p, const Tensor& gradient, ParamState& state,
                            const OptimizerOptions& options) = 0;

 private:
  void update(const ParamGroup& group) override;
};

/// v = mu v + (1 - dampening) (g + wd p); p -= lr v, or with Nesterov p -= lr (g + mu v).
class SGD final : public FusedOptimizer {
 public:
  SGD(std::vector<ParamGroup> groups, const OptimizerOptions& options = {});
  std::string type_name() const override { return "SGD"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions& options) const override;
  void check_group(const ParamGroup& group) const override;
  void run(OptimizerStep& step, const OptimizerOptions& options) override;
};

/// Adam (Kingma and Ba 2015), and with decoupled weight decay AdamW (Loshchilov and Hutter 2019).
class Adam final : public FusedOptimizer {
 public:
  Adam(std::vector<ParamGroup> groups, const OptimizerOptions& options = {},
       bool decoupled = false);
  std::string type_name() const override { return decoupled_ ? "AdamW" : "Adam"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions& options) const override;
  void check_group(const ParamGroup& group) const override;
  void run(OptimizerStep& step, const OptimizerOptions& options) override;

 private:
  bool decoupled_;
};

}  // namespace iolaus::nn
