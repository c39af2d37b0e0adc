// Checks of kernel launches.
#include "core/cuda/launch.h"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/cuda/capture.h"
#include "core/cuda/check.h"
#include "core/cuda/device_error.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

std::string kernel_name(const void* kernel) {
  const char* mangled = nullptr;
  if (cudaFuncGetName(&mangled, kernel) != cudaSuccess || mangled == nullptr) return "kernel";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : mangled;
}

bool is_blocking() {
  static const bool blocking = [] {
    const char* value = std::getenv("IOLAUS_LAUNCH_BLOCKING");
    return value != nullptr && std::strcmp(value, "0") != 0 && *value != '\0';
  }();
  return blocking;
}

}  // namespace

void check_launch(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                  cudaStream_t stream) {
  cudaError_t status = cudaGetLastError();
  const char* what = "the launch";
  if (status == cudaSuccess && is_blocking() && !is_capturing()) {
    status = cudaStreamSynchronize(stream);
    what = "the run";
  }
  if (status == cudaSuccess) return throw_index_error();
  if (is_capture_error(status)) throw_cuda_error(status, kernel_name(kernel).c_str(), "the launch");
  if (!is_blocking() && is_asynchronous_error(status)) {
    // Some kernel before this one failed; this launch only hears of it.
    throw_cuda_error(status, kernel_name(kernel).c_str(), "an earlier kernel");
  }
  fail(ErrorCode::kDevice,
       "[{}] {} failed: {} ({}); grid ({}, {}, {}), block ({}, {}, {}), {} bytes of dynamic shared "
       "memory",
       kernel_name(kernel), what, cudaGetErrorString(status), cudaGetErrorName(status), grid.x,
       grid.y, grid.z, block.x, block.y, block.z, shared_bytes);
}

void allow_shared_bytes(const void* kernel, size_t shared_bytes) {
  IOLAUS_CUDA_CHECK("launch",
                    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(shared_bytes)));
}

}  // namespace iolaus::cuda
