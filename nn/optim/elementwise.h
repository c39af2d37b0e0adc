// Optimizers whose step is an elementwise rule (formulas: kernels/optimizer/rules.h): RMSprop,
// Adagrad, Adadelta, Adamax, NAdam, RAdam as torch.optim has them, and Lion (Chen et al. 2023).
#pragma once

#include "nn/optim/optimizer.h"

namespace iolaus::optimizer {
struct RmsProp;
struct Adagrad;
struct Adadelta;
struct Adamax;
struct NAdam;
struct RAdam;
struct Lion;
}  // namespace iolaus::optimizer

namespace iolaus::nn {

template <class Family> class ElementwiseOptimizer final : public FusedOptimizer {
 public:
  /// Options that are not given have PyTorch's defaults.
  explicit ElementwiseOptimizer(std::vector<ParamGroup> groups,
                                const OptimizerOptions& options = {});
  std::string type_name() const override;

 protected:
  std::vector<std::string> buffer_names(const OptimizerOptions& options) const override;
  Tensor new_buffer(size_t index, const Tensor& p, const OptimizerOptions& options) const override;
  void check_group(const ParamGroup& group) const override;
  void set_item(OptimizerItem& item, ParamState& state, const OptimizerOptions& options) override;
  void run(OptimizerStep& step, const OptimizerOptions& options) override;
};

/// lr alpha eps weight_decay momentum centered maximize; square_avg momentum_buffer grad_avg.
using RMSprop = ElementwiseOptimizer<optimizer::RmsProp>;
/// lr lr_decay weight_decay initial_accumulator_value eps maximize; sum.
using Adagrad = ElementwiseOptimizer<optimizer::Adagrad>;
/// lr rho eps weight_decay maximize; square_avg acc_delta.
using Adadelta = ElementwiseOptimizer<optimizer::Adadelta>;
/// lr beta1 beta2 eps weight_decay maximize; exp_avg exp_inf.
using Adamax = ElementwiseOptimizer<optimizer::Adamax>;
/// lr beta1 beta2 eps weight_decay momentum_decay decoupled_weight_decay maximize; exp_avg
/// exp_avg_sq mu_product.
using NAdam = ElementwiseOptimizer<optimizer::NAdam>;
/// lr beta1 beta2 eps weight_decay decoupled_weight_decay maximize; exp_avg exp_avg_sq.
using RAdam = ElementwiseOptimizer<optimizer::RAdam>;
/// lr beta1 beta2 weight_decay maximize; exp_avg.
using Lion = ElementwiseOptimizer<optimizer::Lion>;

}  // namespace iolaus::nn
