// Optimizers that look at a parameter as a whole, made of tensor operations; nothing waits for the
// device. LAMB (You et al. 2020), Muon (Jordan et al. 2024) and Adafactor (Shazeer and Stern 2018),
// the last two as torch.optim has them.
#pragma once

#include "nn/optim/optimizer.h"

namespace iolaus::nn {

/// Adam's step u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + wd p, scaled to the size of the
/// parameter: p -= lr (|p| / |u|) u, or lr u where one of the norms is 0.
/// lr beta1 beta2 eps weight_decay maximize; exp_avg exp_avg_sq.
class LAMB final : public ComposedOptimizer {
 public:
  explicit LAMB(std::vector<ParamGroup> groups, const OptimizerOptions& options = {});
  std::string type_name() const override { return "LAMB"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions&) const override;
  void check_group(const ParamGroup& group) const override;
  void update_param(const Tensor& p, const Tensor& gradient, ParamState& state,
                    const OptimizerOptions& options) override;
};

/// b += (1 - momentum) (g - b); u = nesterov ? g + momentum (b - g) : b; p *= 1 - lr wd;
/// p -= lr' O(u), O the Newton-Schulz iteration in bfloat16 that takes all singular values near 1.
/// adjust_lr_fn 0: lr' = lr sqrt(max(1, rows / columns)) ("original"); 1: 0.2 lr sqrt(max(rows,
/// columns)) ("match_rms_adamw"); 2: lr sqrt(rows / columns) ("spectral_unclamped"). Options: also
/// lr weight_decay momentum nesterov eps ns_steps ns_a ns_b ns_c; state: momentum_buffer.
/// Errors: kInvalidArgument for parameters that are not matrices.
class Muon final : public ComposedOptimizer {
 public:
  explicit Muon(std::vector<ParamGroup> groups, const OptimizerOptions& options = {});
  std::string type_name() const override { return "Muon"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions&) const override;
  void check_group(const ParamGroup& group) const override;
  void update_param(const Tensor& p, const Tensor& gradient, ParamState& state,
                    const OptimizerOptions& options) override;
};

/// Keeps sums over rows and columns of the squared gradients in place of each of them. Options: lr
/// beta2_decay eps1 (below 0: the dtype's epsilon) eps2 d weight_decay maximize; state: row_var
/// col_var, or for vectors variance.
class Adafactor final : public ComposedOptimizer {
 public:
  explicit Adafactor(std::vector<ParamGroup> groups, const OptimizerOptions& options = {});
  std::string type_name() const override { return "Adafactor"; }

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions&) const override;
  Tensor new_buffer(size_t index, const Tensor& p, const OptimizerOptions&) const override;
  void check_group(const ParamGroup& group) const override;
  void update_param(const Tensor& p, const Tensor& gradient, ParamState& state,
                    const OptimizerOptions& options) override;
};

}  // namespace iolaus::nn
