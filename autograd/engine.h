// The engine: gradients of outputs with respect to leaves or chosen inputs, by one walk over the
// graph in reverse order of creation.
#pragma once

#include "autograd/grad_mode.h"
#include "core/tensor.h"

namespace iolaus {

struct BackwardOptions {
  bool retain_graph = false;  // keep saved tensors for another backward
  bool create_graph = false;  // record the backward pass itself; implies retain_graph
};

/// Adds d(outputs)/d(leaf) to leaf.grad() for every leaf that requires it. gradients are those of
/// the outputs; undefined (or fewer) ones are 1 for outputs of one element.
/// Errors: kInvalidArgument where an output has no history, needs a gradient of its own, or gets
/// one of another shape; where the graph was already freed; where a saved tensor was changed.
void backward(const Tensors& outputs, const Tensors& gradients = {}, BackwardOptions options = {});

/// The gradients of outputs with respect to inputs, without touching any grad(). An input that
/// outputs do not depend on is an error, or gives an undefined tensor where allow_unused.
Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& gradients = {},
             BackwardOptions options = {}, bool allow_unused = false);

}  // namespace iolaus
