// Arguments of ops as JSON: null, true, 3, 2.5, "mean", [1, 2]; infinities as {"float": "inf"};
// a tensor is an object that the caller knows how to look up: {"tensor": ...}. Indices are lists of
// numbers, {"slice": [start, stop, step]}, {"ellipsis": true}, null, tensors and lists of numbers.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "autograd/op_value.h"

namespace iolaus {

using TensorLookup = std::function<Tensor(const nlohmann::json&)>;

/// Errors: kInvalidArgument for JSON that is no argument.
OpValue value_from_json(const nlohmann::json& json, const TensorLookup& tensor);

}  // namespace iolaus
