// The registry of differentiable ops. Every op registers samples of its arguments; tests walk the
// registry and check gradients of first and second order, dtypes and strides of what they find.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace iolaus {

/// One call of an op: fn maps the inputs to one output. Floating inputs are float64 on the CPU.
struct OpSample {
  std::string what;  // distinguishes samples in messages: "broadcast", "negative dim"
  Tensors inputs;
  std::function<Tensor(const Tensors&)> fn;
  bool second_order = true;     // whether gradgradcheck applies
  bool layout_matters = false;  // the result depends on the input's strides (as_strided)
};

struct OpInfo {
  std::string name;
  std::function<std::vector<OpSample>()> samples;
};

/// Called once per op while the program starts. Returns true, for a static.
bool register_op(OpInfo info);
/// All ops, sorted by name.
std::vector<const OpInfo*> all_ops();

/// A float64 sample on the CPU with values in [low, high), from a seed.
Tensor sample64(const Dims& sizes, uint64_t seed, double low = -1, double high = 1,
                bool strided = false);

}  // namespace iolaus
