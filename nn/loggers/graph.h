// The graph that TensorBoard draws of a model: the operations of one forward pass, as the autograd
// graph has them, grouped by the modules that ran them, from the input over the parameters to the
// output. Names are paths: "Net/Sequential[stem]/Conv2d[0]/conv2d".
#pragma once

#include <string>
#include <vector>

#include "nn/loggers/protobuf.h"
#include "nn/module.h"

namespace iolaus::nn {

struct GraphNode {
  std::string name, op;
  std::vector<std::string> inputs;  // names of nodes
  Dims sizes;                       // of its output
};

/// The input is zeros of these sizes (with the batch), floats or, where the model refuses them,
/// int64. The pass runs in evaluation mode and changes nothing. Nodes come before those that use
/// them. Errors: those of forward; kUnsupported where nothing is recorded, because neither the
/// input nor any parameter takes part with a gradient.
std::vector<GraphNode> trace_graph(Module& model, const Dims& input_sizes);

/// As tensorboard/compat/proto/graph.proto.
Proto graph_def(const std::vector<GraphNode>& nodes);

}  // namespace iolaus::nn
