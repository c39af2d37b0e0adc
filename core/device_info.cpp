// The answer of a program without CUDA code, and the hook by which core/cuda gives its own.
#include "core/device_info.h"

namespace iolaus {
namespace {
CudaInfo (*g_query)() = nullptr;
}

void register_cuda_info(CudaInfo (*query)()) { g_query = query; }

CudaInfo cuda_info() {
  if (g_query != nullptr) return g_query();
  CudaInfo info;
  info.problem = "this program was built without CUDA";
  return info;
}

bool is_cuda_simulated() { return g_query != nullptr && g_query().simulated; }

}  // namespace iolaus
