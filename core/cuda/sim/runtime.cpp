// The functions of the CUDA runtime that Iolaus calls, on the simulated device: devices, errors,
// memory and copies. Those of streams, events and graphs are in stream.cpp.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "core/cuda/sim/checker.h"
#include "core/cuda/sim/launch.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/options.h"
#include "core/cuda/sim/shared.h"
#include "core/cuda/sim/stream.h"

using namespace iolaus::sim;

namespace {

// The last error of a call of this thread, until cudaGetLastError.
thread_local cudaError_t t_last = cudaSuccess;
cudaError_t result(cudaError_t status) {
  if (status != cudaSuccess && status != cudaErrorNotReady) t_last = status;
  return status;
}

std::mutex g_limits_mutex;
std::map<const void*, size_t>& shared_limits() {
  static auto* limits = new std::map<const void*, size_t>;
  return *limits;
}

cudaError_t refuse(const std::string& why, cudaError_t status = cudaErrorInvalidValue) {
  record_diagnosis(why);
  return result(status);
}

enum class Side { kDevice, kPinned, kPageable };
Side side_of(const void* data) {
  if (in_device_range(data)) return Side::kDevice;
  return is_pinned_memory(data) ? Side::kPinned : Side::kPageable;
}

// Why a side of a copy is not what its kind says, or "".
std::string side_problem(const char* name, const void* data, size_t n, bool on_device) {
  const bool there = in_device_range(data);
  if (there != on_device) {
    return fmt::format("cudaMemcpy: {} is {} memory, but the kind of the copy says {}", name,
                       there ? "device" : "host", on_device ? "device" : "host");
  }
  if (there && !is_device_memory(data, n)) {
    return fmt::format("cudaMemcpy: {} bytes from {} ({}) leave the allocation", n,
                       describe_address(data), name);
  }
  return "";
}

cudaError_t copy(void* to, const void* from, size_t n, cudaMemcpyKind kind, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  if (kind == cudaMemcpyDefault) {
    const bool d = in_device_range(to), s = in_device_range(from);
    kind = d ? (s ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
             : (s ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost);
  }
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  std::string problem = side_problem("the destination", to, n, to_device);
  if (problem.empty()) problem = side_problem("the source", from, n, from_device);
  if (!problem.empty()) return refuse(problem);

  const bool pageable = (!to_device && side_of(to) == Side::kPageable) ||
                        (!from_device && side_of(from) == Side::kPageable);
  if (pageable && is_capturing(stream)) {
    capture_forbids_call();
    return result(cudaErrorStreamCaptureUnsupported);
  }
  if (pageable && !from_device) {
    // Staged before the call returns: the source may change then.
    const auto* bytes = static_cast<const char*>(from);
    return result(enqueue(stream, [to, staged = std::vector<char>(bytes, bytes + n)] {
      std::memcpy(to, staged.data(), staged.size());
      checker::on_write(to, staged.size());
      return true;
    }));
  }
  // Who reads pinned memory before the copy is done reads NaN.
  if (!to_device && !is_capturing(stream)) std::memset(to, 0xff, n);
  const cudaError_t status = enqueue(stream, [to, from, n] {
    std::memmove(to, from, n);
    checker::on_write(to, n);
    return true;
  });
  return result(status == cudaSuccess && pageable ? drain_stream(stream) : status);
}

}  // namespace

namespace iolaus::sim {

void launch_kernel(Grid grid, cudaStream_t stream) {
  const dim3 g = grid.grid, b = grid.block;
  const uint64_t threads = uint64_t{b.x} * b.y * b.z;
  size_t limit = kMaxStaticShared;
  grid.shared_limit = kMaxStaticShared;
  {
    std::lock_guard lock(g_limits_mutex);
    const auto found = shared_limits().find(grid.kernel);
    if (found != shared_limits().end()) {
      limit = found->second;
      grid.shared_limit = kMaxShared;
    }
  }
  if (threads == 0 || threads > 1024 || b.z > 64 || g.x == 0 || g.y == 0 || g.z == 0 ||
      g.x > 2147483647u || g.y > 65535 || g.z > 65535) {
    result(cudaErrorInvalidConfiguration);
    return;
  }
  if (threads % kWarpSize != 0) {
    refuse(function_name(grid.kernel) + ": the block must be a multiple of 32 threads",
           cudaErrorInvalidConfiguration);
    return;
  }
  if (grid.shared_bytes > limit) {
    refuse(fmt::format("{}: {} bytes of dynamic shared memory, but the kernel was allowed {}",
                       function_name(grid.kernel), grid.shared_bytes, limit));
    return;
  }
  result(enqueue(stream, [grid = std::move(grid)] { return run_grid(grid); }));
}

bool check_pointer_argument(const void* kernel, int position, const void* data) {
  if (data == nullptr || in_device_range(data) || is_pinned_memory(data)) return true;
  refuse(fmt::format("{}: argument {} is a pointer to host memory ({})", function_name(kernel),
                     position, data));
  return false;
}

}  // namespace iolaus::sim

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = options().device_count;
  return *count > 0 ? cudaSuccess : result(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* index) { return *index = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int index) {
  return index == 0 ? cudaSuccess : result(cudaErrorInvalidDevice);
}
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 0, cudaSuccess; }

// A small device of Hopper's kind.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  *p = {};
  std::strcpy(p->name, "simulated");
  p->major = 9;
  p->minor = 0;
  p->totalGlobalMem = options().memory_bytes;
  p->multiProcessorCount = 4;
  p->warpSize = kWarpSize;
  p->maxThreadsPerBlock = 1024;
  p->maxThreadsPerMultiProcessor = 2048;
  p->sharedMemPerBlock = kMaxStaticShared;
  p->sharedMemPerBlockOptin = kMaxShared;
  p->sharedMemPerMultiprocessor = kMaxShared + 1024;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536;
  p->l2CacheSize = 1 << 20;
  p->canMapHostMemory = p->unifiedAddressing = p->concurrentKernels = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  cudaDeviceProp p;
  cudaGetDeviceProperties(&p, 0);
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      return *value = p.multiProcessorCount, cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      return *value = p.major, cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      return *value = p.minor, cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return *value = static_cast<int>(kMaxShared), cudaSuccess;
    default:
      return *value = 0, cudaSuccess;
  }
}

cudaError_t cudaGetLastError() {
  const cudaError_t sticky = sticky_error();
  const cudaError_t last = std::exchange(t_last, cudaSuccess);
  return sticky != cudaSuccess ? sticky : last;
}
cudaError_t cudaPeekAtLastError() {
  const cudaError_t sticky = sticky_error();
  return sticky != cudaSuccess ? sticky : t_last;
}
cudaError_t cudaDeviceReset() { return reset_device(), cudaSuccess; }

const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorNotSupported:
      return "cudaErrorNotSupported";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorLaunchTimeout:
      return "cudaErrorLaunchTimeout";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
      return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureMerge:
      return "cudaErrorStreamCaptureMerge";
    case cudaErrorStreamCaptureUnmatched:
      return "cudaErrorStreamCaptureUnmatched";
    case cudaErrorStreamCaptureUnjoined:
      return "cudaErrorStreamCaptureUnjoined";
    case cudaErrorStreamCaptureIsolation:
      return "cudaErrorStreamCaptureIsolation";
    case cudaErrorCapturedEvent:
      return "cudaErrorCapturedEvent";
    default:
      return "cudaErrorUnknown";
  }
}
const char* cudaGetErrorString(cudaError_t status) {
  thread_local std::string text;
  text = last_diagnosis();
  if (status == cudaSuccess) return "no error";
  if (status == cudaErrorMemoryAllocation) return "out of memory";
  return text.empty() ? cudaGetErrorName(status) : text.c_str();
}

cudaError_t cudaMalloc(void** data, size_t n) {
  *data = nullptr;
  if (capture_forbids_call()) return result(cudaErrorStreamCaptureUnsupported);
  if (sticky_error() != cudaSuccess) return sticky_error();
  *data = device_allocate(n);
  return *data != nullptr ? cudaSuccess : result(cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* data) {
  if (data == nullptr) return cudaSuccess;
  if (capture_forbids_call()) return result(cudaErrorStreamCaptureUnsupported);
  const cudaError_t status = drain_device();  // nothing that runs may still use it
  if (!device_free(data)) return refuse("cudaFree: not the start of an allocation");
  return status;
}
cudaError_t cudaMemGetInfo(size_t* available, size_t* total) {
  *available = device_free_bytes();
  *total = options().memory_bytes;
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** data, size_t n, unsigned) {
  *data = pinned_allocate(n);
  return *data != nullptr ? cudaSuccess : result(cudaErrorMemoryAllocation);
}
cudaError_t cudaMallocHost(void** data, size_t n) { return cudaHostAlloc(data, n, 0); }
cudaError_t cudaFreeHost(void* data) {
  if (data == nullptr) return cudaSuccess;
  const cudaError_t status = drain_device();
  return pinned_free(data) ? status : refuse("cudaFreeHost: not pinned memory");
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* data) {
  *attributes = {};
  const Side side = side_of(data);
  attributes->type = side == Side::kDevice   ? cudaMemoryTypeDevice
                     : side == Side::kPinned ? cudaMemoryTypeHost
                                             : cudaMemoryTypeUnregistered;
  attributes->hostPointer = side == Side::kPinned ? const_cast<void*>(data) : nullptr;
  attributes->devicePointer = side == Side::kPageable ? nullptr : const_cast<void*>(data);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t n, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return copy(to, from, n, kind, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t n, cudaMemcpyKind kind) {
  if (capture_forbids_call()) return result(cudaErrorStreamCaptureImplicit);
  const cudaError_t status = copy(to, from, n, kind, nullptr);
  return status == cudaSuccess ? drain_stream(nullptr) : status;
}
cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t n,
                                cudaStream_t stream) {
  return copy(to, from, n, cudaMemcpyDeviceToDevice, stream);
}
cudaError_t cudaMemsetAsync(void* data, int value, size_t n, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  if (!is_device_memory(data, n)) {
    return refuse(fmt::format("cudaMemset: {} bytes from {}", n, describe_address(data)));
  }
  return result(enqueue(stream, [data, value, n] {
    std::memset(data, value, n);
    checker::on_write(data, n);
    return true;
  }));
}
cudaError_t cudaMemset(void* data, int value, size_t n) {
  return cudaMemsetAsync(data, value, n, nullptr);
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<size_t>(value) > kMaxShared) return result(cudaErrorInvalidValue);
  std::lock_guard lock(g_limits_mutex);
  shared_limits()[kernel] = static_cast<size_t>(value);
  return cudaSuccess;
}
cudaError_t cudaFuncGetName(const char** name, const void* kernel) {
  thread_local std::string text;
  text = function_name(kernel);
  *name = text.c_str();
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int threads,
                                                          size_t) {
  *blocks = threads > 0 ? 2048 / threads : 0;
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char*, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  *function = nullptr;  // there is no driver
  if (found != nullptr) *found = cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

}  // extern "C"
