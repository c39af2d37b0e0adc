// What the registrations of losses share.
#pragma once

#include "nn/layers/target.h"
#include "nn/loss.h"

namespace iolaus::nn::target {

using LossTarget = config::Register<Loss>;

/// The parameter "reduction", and what it says.
config::Param reduction_param();
Reduction reduction(const Args& a);
/// A parameter of weights, null by default.
config::Param weights_param(const char* name, const char* doc);

/// Registers a loss of `inputs` tensors: make reads the arguments, `constants` names parameters of
/// weights (kFloats) that the function gets as tensors.
LossTarget loss(const char* type, const char* doc, size_t inputs, std::vector<config::Param> params,
                std::function<FunctionLoss::Fn(const Args&)> make,
                std::vector<const char*> constants = {});

/// total, its mean or its sum.
Tensor reduce(const Tensor& each, Reduction reduction);

}  // namespace iolaus::nn::target
