// Checks of kernel launches, and the note of the last ones.
#include "core/cuda/launch.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/call_context.h"
#include "core/cuda/capture.h"
#include "core/cuda/check.h"
#include "core/cuda/device_error.h"
#include "core/device_failure.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

// A launch as it is noted: numbers and pointers to constants, because it happens at every launch.
struct Launch {
  const char* set = nullptr;  // the kernel set and its variant; null outside of kernel sets
  const char* variant = nullptr;
  const char* call = nullptr;  // of a library; else kernel, grid and block
  const void* kernel = nullptr;
  dim3 grid, block;
  std::span<const char* const> names;
  int64_t sizes[CallFormat::kMaxSizes];
};
constexpr size_t kKept = 8;
struct Notes {
  Launch launches[kKept];
  size_t count = 0;
};
thread_local Notes t_notes;

Launch& note() {
  Launch& launch = t_notes.launches[t_notes.count++ % kKept];
  launch.call = nullptr;
  launch.set = nullptr;
  const CallContext* context = CallContext::current();
  if (context == nullptr || context->format == nullptr) return launch;
  launch.set = context->name;
  launch.variant = context->variant;
  launch.names = context->format->size_names;
  if (context->format->sizes != nullptr) context->format->sizes(context->args, launch.sizes);
  return launch;
}

std::string kernel_name(const void* kernel) {
  const char* mangled = nullptr;
  if (cudaFuncGetName(&mangled, kernel) != cudaSuccess || mangled == nullptr) return "kernel";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : mangled;
}

std::string grid_text(dim3 grid, dim3 block) {
  return fmt::format("grid ({}, {}, {}), block ({}, {}, {})", grid.x, grid.y, grid.z, block.x,
                     block.y, block.z);
}

std::string describe(const Launch& launch) {
  std::string text;
  if (launch.set != nullptr) {
    text = fmt::format("{} ({})", launch.set, launch.variant);
    for (size_t i = 0; i < launch.names.size(); ++i) {
      text += fmt::format("{}{} {}", i == 0 ? " on " : ", ", launch.names[i], launch.sizes[i]);
    }
    text += ": ";
  }
  if (launch.call != nullptr) return text + launch.call;
  return text + kernel_name(launch.kernel) + ", " + grid_text(launch.grid, launch.block);
}

bool is_blocking() {
  static const bool blocking = [] {
    const char* value = std::getenv("IOLAUS_LAUNCH_BLOCKING");
    return value != nullptr && std::strcmp(value, "0") != 0 && *value != '\0';
  }();
  return blocking;
}

// Waits where the environment asks for it, and reports what went wrong.
void check_and_report(cudaStream_t stream, const Launch& launch, size_t shared_bytes) {
  cudaError_t status = cudaGetLastError();
  const char* what = "the launch";
  if (status == cudaSuccess && is_blocking() && !is_capturing()) {
    status = cudaStreamSynchronize(stream);
    what = "the run";
  }
  if (status == cudaSuccess) return throw_index_error();
  const char* op = CallContext::current_name("launch");
  if (is_capture_error(status)) throw_cuda_error(status, op, "the launch");
  // Some kernel before this one failed; this launch only hears of it.
  if (!is_blocking() && is_asynchronous_error(status)) {
    throw_cuda_error(status, op, "an earlier kernel");
  }
  const CallContext* context = CallContext::current();
  const std::string name = launch.call != nullptr ? launch.call : kernel_name(launch.kernel);
  const std::string message = fmt::format(
      "[{}] {} of {} failed: {} ({}){}{}; {}, {} bytes of dynamic shared memory", op, what, name,
      cudaGetErrorString(status), cudaGetErrorName(status), context == nullptr ? "" : "; ",
      context == nullptr ? "" : context->str(),
      launch.call != nullptr ? "a library's kernels" : grid_text(launch.grid, launch.block),
      shared_bytes);
  if (is_asynchronous_error(status)) fail_device(message);
  throw Error(ErrorCode::kDevice, message);
}

}  // namespace

void check_launch(const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                  cudaStream_t stream) {
  Launch& launch = note();
  launch.kernel = kernel;
  launch.grid = grid;
  launch.block = block;
  check_and_report(stream, launch, shared_bytes);
}

void check_library_call(const char* call, cudaStream_t stream) {
  Launch& launch = note();
  launch.call = call;
  check_and_report(stream, launch, 0);
}

void allow_shared_bytes(const void* kernel, size_t shared_bytes) {
  IOLAUS_CUDA_CHECK("launch",
                    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(shared_bytes)));
}

std::string recent_launches() {
  std::string text;
  const size_t kept = std::min(t_notes.count, kKept);
  for (size_t i = 1; i <= kept; ++i) {
    text += "\n  " + describe(t_notes.launches[(t_notes.count - i) % kKept]);
  }
  return text;
}

}  // namespace iolaus::cuda
