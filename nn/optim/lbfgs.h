// L-BFGS (Liu and Nocedal 1989) with torch.optim's steps, limits and strong Wolfe line search: a
// whole minimisation of up to max_iter iterations a step, for losses without noise.
#pragma once

#include "nn/optim/optimizer.h"

namespace iolaus::nn {

class LBFGS final : public Optimizer {
 public:
  /// lr max_iter max_eval (negative: max_iter * 5 / 4) tolerance_grad tolerance_change history_size
  /// strong_wolfe maximize. Errors: kInvalidArgument for several groups.
  explicit LBFGS(std::vector<ParamGroup> groups, const OptimizerOptions& options = {});
  std::string type_name() const override { return "LBFGS"; }
  bool needs_closure() const override { return true; }

  /// Everything belongs to parameter 0: func_evals, n_iter, d, t, old_dirs and old_stps (one row an
  /// entry), ro, H_diag, prev_flat_grad, prev_loss.
  std::map<std::string, Tensor> state_dict() const override;
  void load_state_dict(const std::map<std::string, Tensor>& state) override;

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions&) const override { return {}; }
  void check_group(const ParamGroup& group) const override;
  [[noreturn]] void update(const ParamGroup& group) override;
  Tensor step_with(const Closure& closure) override;

 private:
  struct Point {
    double loss;
    Tensor gradient;
  };
  const Tensors& params() const { return param_groups()[0].params; }
  bool maximizes() const { return param_groups()[0].options.at("maximize") != 0; }
  Tensor flat_gradient() const;
  void move(double step, const Tensor& direction) const;
  Point evaluate(const Closure& closure) const;
  void find_direction(const Tensor& gradient, int64_t history);
  // Returns the point found, its step and the number of evaluations.
  Point search(const Closure& closure, const Point& start, double slope, int64_t most, double& step,
               int64_t& evaluations) const;

  struct Memory {
    int64_t func_evals = 0, n_iter = 0;
    Tensor direction, previous_gradient;
    double t = 0, h_diag = 1, previous_loss = 0;
    std::vector<Tensor> old_dirs, old_stps;
    std::vector<double> ro;
  };
  Memory memory_;
};

}  // namespace iolaus::nn
