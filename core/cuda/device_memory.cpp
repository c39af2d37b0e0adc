// Memory and events by the CUDA runtime. Streams are keyed by their handle; cudaMalloc and the rest
// make the device current first.
#include "core/cuda/device_memory.h"

#include "core/cuda/capture.h"

namespace iolaus::cuda {

DeviceMemory::DeviceMemory(int device, bool growing) : device_(device) {
  if (growing) mapped_ = MappedMemory::create(device);
}

void* DeviceMemory::allocate(size_t nbytes) {
  const DeviceGuard guard(device_);
  const AllowWhileCapturing allow;
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, nbytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  if (status != cudaSuccess) throw_cuda_error(status, "allocator", "cudaMalloc");
  return data;
}

void DeviceMemory::release(void* memory) noexcept { static_cast<void>(cudaFree(memory)); }

void DeviceMemory::capacity(size_t& free_bytes, size_t& total_bytes) {
  const DeviceGuard guard(device_);
  const AllowWhileCapturing allow;
  IOLAUS_CUDA_CHECK("allocator", cudaMemGetInfo(&free_bytes, &total_bytes));
}

void* DeviceMemory::record_event(StreamKey stream) noexcept {
  int previous = 0;
  if (cudaGetDevice(&previous) != cudaSuccess || cudaSetDevice(device_) != cudaSuccess) {
    return nullptr;
  }
  auto* handle = static_cast<cudaStream_t>(const_cast<void*>(stream));
  cudaEvent_t event = nullptr;
  if (!idle_events_.empty()) {
    event = idle_events_.back();
    idle_events_.pop_back();
  } else if (cudaEventCreateWithFlags(&event, cudaEventDisableTiming) != cudaSuccess) {
    event = nullptr;
  }
  if (event != nullptr && cudaEventRecord(event, handle) != cudaSuccess) {
    static_cast<void>(cudaEventDestroy(event));
    event = nullptr;
  }
  static_cast<void>(cudaSetDevice(previous));
  return event;
}

bool DeviceMemory::is_done(void* event) {
  const cudaError_t status = cudaEventQuery(static_cast<cudaEvent_t>(event));
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  if (status != cudaSuccess) throw_cuda_error(status, "allocator", "cudaEventQuery");
  return true;
}

void DeviceMemory::wait(void* event) {
  IOLAUS_CUDA_CHECK("allocator", cudaEventSynchronize(static_cast<cudaEvent_t>(event)));
}

void DeviceMemory::release_event(void* event) noexcept {
  idle_events_.push_back(static_cast<cudaEvent_t>(event));
}

void* DeviceMemory::reserve(size_t nbytes) {
  return mapped_ != nullptr ? mapped_->reserve(nbytes) : nullptr;
}
void DeviceMemory::unreserve(void* addresses, size_t nbytes) noexcept {
  mapped_->unreserve(addresses, nbytes);
}
bool DeviceMemory::map(void* at, size_t nbytes, size_t page) {
  return mapped_->map(at, nbytes, page);
}
void DeviceMemory::unmap(void* at, size_t nbytes, size_t page) noexcept {
  mapped_->unmap(at, nbytes, page);
}

}  // namespace iolaus::cuda
