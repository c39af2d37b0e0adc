// bias_gelu: gelu(x + bias) in one pass over memory, differentiable.
#pragma once

#include <string>

#include "core/tensor.h"

namespace iolaus {

/// x (..., D), bias (D). approximate: "none" for x Phi(x), "tanh" for its approximation, as in
/// PyTorch's gelu. Errors: kInvalidArgument, kType.
Tensor bias_gelu(const Tensor& x, const Tensor& bias, const std::string& approximate = "none");

}  // namespace iolaus
