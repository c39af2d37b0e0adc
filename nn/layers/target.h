// What the layers' registrations share: both names, readers of arguments, and layers that are a
// function of their input.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/instantiate.h"
#include "nn/layers/function.h"

namespace iolaus::nn::target {

using P = config::ParamType;
using config::Args;
using Fn = std::function<Tensor(const Tensor&)>;

/// "Linear" -> iolaus.nn.Linear, torch.nn.Linear.
std::vector<std::string> names(const std::string& type);

/// count numbers, from that many or from one. Errors: kConfig about the parameter.
Dims dims(const Args& a, const char* name, size_t count);
/// The same; empty for null.
Dims dims_or_none(const Args& a, const char* name, size_t count);
/// A dtype of the default kind on the CPU from a list of numbers; undefined for null.
Tensor floats_or_none(const Args& a, const char* name);

/// PyTorch's switch that changes nothing here.
config::Param inplace();

/// Registers a layer without parameters; its description lists the arguments.
config::Register<FunctionLayer, Module> function(const std::string& type, const char* doc,
                                                 std::vector<config::Param> params,
                                                 std::function<Fn(const Args&)> make);

}  // namespace iolaus::nn::target
