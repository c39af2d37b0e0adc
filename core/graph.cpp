// Graphs are the backend's.
#include "core/graph.h"

namespace iolaus {

std::unique_ptr<Graph> make_graph(Device device, const Graph* share_pool_with) {
  return backend(device.type).make_graph(device, share_pool_with);
}

}  // namespace iolaus
