// Who makes the queues of CUDA devices.
#include "core/copy_queue.h"

namespace iolaus {
namespace {
std::unique_ptr<CopyQueue> (*g_make)(int) = nullptr;
}

void register_cuda_copy_queue(std::unique_ptr<CopyQueue> (*make)(int)) { g_make = make; }

std::unique_ptr<CopyQueue> make_copy_queue(Device device) {
  return device.is_cuda() && g_make != nullptr ? g_make(device.index) : nullptr;
}

}  // namespace iolaus
