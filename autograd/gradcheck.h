// gradcheck: analytic gradients against central differences, in float64, as
// torch.autograd.gradcheck.
#pragma once

#include <functional>
#include <string>

#include "core/tensor.h"

namespace iolaus {

struct GradcheckOptions {
  double eps = 1e-6;   // step of the differences
  double atol = 1e-5;  // |analytic - numeric| <= atol + rtol |numeric|
  double rtol = 1e-3;
};

/// The first disagreement, or an empty string. Checks every floating input of fn, whose result must
/// be one float64 tensor; inputs are not changed.
std::string gradcheck(const std::function<Tensor(const Tensors&)>& fn, const Tensors& inputs,
                      const GradcheckOptions& options = {});

/// The same for the gradients themselves: second derivatives through create_graph.
std::string gradgradcheck(const std::function<Tensor(const Tensors&)>& fn, const Tensors& inputs,
                          const GradcheckOptions& options = {});

}  // namespace iolaus
