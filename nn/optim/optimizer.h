// Optimizers: groups of parameters, each with its own options, and one state per parameter. A step
// is one multi-tensor kernel call per group and dtype. Names, formulas and state names are
// PyTorch's.
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
  /// Errors: kInvalidArgument where there are no parameters or one appears twice.
  Optimizer(std::vector<ParamGroup> groups, const OptimizerOptions& defaults);
  virtual ~Optimizer() = default;

  /// One step for all parameters that have a gradient.
  void step();
  void zero_grad();
  std::vector<ParamGroup>& groups() { return groups_; }
  virtual std::string type_name() const = 0;

  /// State by "index.name" ("0.momentum_buffer"), the index counting parameters over all groups,
  /// and "index.step" as int64. Shares memory with the optimizer.
  std::map<std::string, Tensor> state_dict() const;
  /// Copies. Errors: kInvalidArgument naming entries that do not fit.
  void load_state_dict(const std::map<std::string, Tensor>& state);
  /// Scalar options of each group, for the JSON part of a checkpoint.
  std::vector<OptimizerOptions> options() const;
  void set_options(const std::vector<OptimizerOptions>& options);

 protected:
  struct ParamState {
    int64_t step = 0;
    Tensor buffers[3];
  };
  /// Names of the buffers that a group keeps per parameter, in the order of the kernel's states.
  virtual std::vector<std::string> buffer_names(const OptimizerOptions& options) const = 0;
  /// Sets the kernel's numbers and runs it.
  virtual void run(OptimizerStep& step, const OptimizerOptions& options) = 0;

 private:
  std::vector<ParamGroup> groups_;
  std::map<const TensorImpl*, ParamState> state_;
};

/// All parameters in one group.
std::vector<ParamGroup> one_group(Tensors params);

/// v = mu v + (1 - dampening) (g + wd p); p -= lr v, or with Nesterov p -= lr (g + mu v).
class SGD final : public Optimizer {
 public:
  SGD(std::vector<ParamGroup> groups, const OptimizerOptions& options);
  std::string type_name() const override { return "SGD"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions& options) const override;
  void run(OptimizerStep& step, const OptimizerOptions& options) override;
};

/// Adam (Kingma and Ba 2015), and with decoupled weight decay AdamW (Loshchilov and Hutter 2019).
class Adam final : public Optimizer {
 public:
  Adam(std::vector<ParamGroup> groups, const OptimizerOptions& options, bool decoupled);
  std::string type_name() const override { return decoupled_ ? "AdamW" : "Adam"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions& options) const override;
  void run(OptimizerStep& step, const OptimizerOptions& options) override;

 private:
  bool decoupled_;
};

}  // namespace iolaus::nn
