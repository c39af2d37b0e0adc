// Graph: a stretch of device work that is recorded once and then launched as one, without the
// host's cost for each kernel: a whole training step, for instance.
//
//   std::unique_ptr<Graph> graph = make_graph(device);
//   for (int i = 0; i < 3; ++i) step();      // warm up: optimizer states, library handles, plans
//   graph->capture(step);                    // records, does not run
//   for (;;) { copy(batch, input); graph->replay(); }
//
// A replay reads and writes the addresses of the capture. So inputs are copied into the same
// tensors before each replay, and results are read from the tensors that the capture gave; these
// live in a pool of their own, which the graph keeps. Numbers that the host computed while
// capturing (a learning rate) stay what they were. Random numbers go on: each replay draws what the
// same work run eagerly would draw.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "core/device.h"

namespace iolaus {

class Graph {
 public:
  virtual ~Graph() = default;
  /// Records what body queues on the device's current stream, by this thread. Once per graph.
  /// Errors: kUnsupported for an op that waits for the device or depends on the host's memory,
  /// by name: "[item] cannot be captured in a CUDA graph: ..."; what body throws. The graph is then
  /// empty as before.
  virtual void capture(const std::function<void()>& body) = 0;
  /// Queues the recorded work on this thread's current stream. Graphs that share a pool must be
  /// replayed one after the other, in the order of their captures.
  virtual void replay() = 0;
  /// Kernels, copies and so on that it holds; 0 before the capture.
  virtual size_t node_count() const = 0;
};

/// An empty graph. With another graph of the same device, both use one pool: less memory, as the
/// second reuses what the first has freed. Errors: kUnsupported where the device has no graphs.
std::unique_ptr<Graph> make_graph(Device device, const Graph* share_pool_with = nullptr);

}  // namespace iolaus
