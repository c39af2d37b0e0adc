// CUDA's memory and events for the caching allocator, and the cache of pinned blocks.
#include "core/cuda/allocator.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "core/error.h"

namespace iolaus::cuda {
namespace {

// Streams are keyed by their handle. cudaMalloc and cudaFree make the device current first.
class CudaMemory final : public MemorySource {
 public:
  explicit CudaMemory(int device) : device_(device) {}

  void* allocate(size_t nbytes) override {
    const DeviceGuard guard(device_);
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, nbytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      return nullptr;
    }
    if (status != cudaSuccess) throw_cuda_error(status, "allocator", "cudaMalloc");
    return data;
  }
  void release(void* segment) noexcept override { static_cast<void>(cudaFree(segment)); }
  void capacity(size_t& free_bytes, size_t& total_bytes) override {
    const DeviceGuard guard(device_);
    IOLAUS_CUDA_CHECK("allocator", cudaMemGetInfo(&free_bytes, &total_bytes));
  }

  void* record_event(StreamKey stream) noexcept override {
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
  bool is_done(void* event) override {
    const cudaError_t status = cudaEventQuery(static_cast<cudaEvent_t>(event));
    if (status == cudaErrorNotReady) {
      cudaGetLastError();
      return false;
    }
    if (status != cudaSuccess) throw_cuda_error(status, "allocator", "cudaEventQuery");
    return true;
  }
  void wait(void* event) override {
    IOLAUS_CUDA_CHECK("allocator", cudaEventSynchronize(static_cast<cudaEvent_t>(event)));
  }
  void release_event(void* event) noexcept override {
    idle_events_.push_back(static_cast<cudaEvent_t>(event));
  }

 private:
  int device_;
  std::vector<cudaEvent_t> idle_events_;  // guarded by the allocator's lock
};

// Never destroyed: tensors in static objects may be freed after main, and at that time the driver
// takes all memory back by itself.
struct Allocators {
  std::mutex mutex;
  std::unique_ptr<CudaMemory> memory[64];
  std::unique_ptr<CachingAllocator> list[64];
  std::atomic<CachingAllocator*> ready[64] = {};
};
Allocators& allocators() {
  static auto* all = new Allocators;
  return *all;
}

}  // namespace

CachingAllocator& device_allocator(int device) {
  IOLAUS_CHECK_CODE(device >= 0 && device < device_count(), ErrorCode::kDevice,
                    "device 'cuda:{}' is not there: {} CUDA device(s) found", device,
                    device_count());
  Allocators& all = allocators();
  if (CachingAllocator* found = all.ready[device].load(std::memory_order_acquire)) return *found;
  std::lock_guard lock(all.mutex);
  auto& slot = all.list[device];
  if (slot == nullptr) {
    all.memory[device] = std::make_unique<CudaMemory>(device);
    slot = std::make_unique<CachingAllocator>(Device(kCUDA, device).str(), *all.memory[device]);
    all.ready[device].store(slot.get(), std::memory_order_release);
  }
  return *slot;
}

void empty_device_caches() {
  for (auto& ready : allocators().ready) {
    if (CachingAllocator* found = ready.load(std::memory_order_acquire)) found->empty_cache();
  }
}

bool PinnedAllocator::Block::is_idle() const {
  for (const Event& event : events) {
    if (!event.is_done()) return false;
  }
  return true;
}

void* PinnedAllocator::allocate(size_t nbytes) {
  IOLAUS_CHECK_CODE(nbytes < (size_t{1} << 45), ErrorCode::kOutOfMemory,
                    "[pinned] cannot allocate {} bytes", nbytes);
  const int size_log2 = std::max(9, static_cast<int>(std::bit_width(nbytes - (nbytes > 0))));
  std::lock_guard lock(mutex_);
  auto& list = free_[size_log2];
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_idle()) continue;
    std::swap(list[i], list.back());
    Block block = std::move(list.back());
    list.pop_back();
    block.events.clear();
    void* data = block.data;
    in_use_.emplace(data, std::move(block));
    return data;
  }
  void* data = nullptr;
  IOLAUS_CUDA_CHECK("pinned", cudaHostAlloc(&data, size_t{1} << size_log2, cudaHostAllocPortable));
  in_use_.emplace(data, Block{data, size_log2, {}});
  return data;
}

void PinnedAllocator::record(void* data, Stream stream) {
  std::lock_guard lock(mutex_);
  const auto found = in_use_.find(data);
  IOLAUS_CHECK(found != in_use_.end(), "[pinned] the address is not the start of a pinned block");
  found->second.events.emplace_back(stream.device);
  found->second.events.back().record(stream);
}

void PinnedAllocator::free(void* data) noexcept {
  std::lock_guard lock(mutex_);
  const auto found = in_use_.find(data);
  if (found == in_use_.end()) return;
  free_[found->second.size_log2].push_back(std::move(found->second));
  in_use_.erase(found);
}

void PinnedAllocator::empty_cache() {
  std::lock_guard lock(mutex_);
  for (auto& list : free_) {
    std::erase_if(list, [](const Block& block) {
      if (!block.is_idle()) return false;
      static_cast<void>(cudaFreeHost(block.data));
      return true;
    });
  }
}

PinnedAllocator& pinned_allocator() {
  static auto* allocator = new PinnedAllocator;
  return *allocator;
}

void copy_async(void* dst, const void* src, size_t nbytes, cudaMemcpyKind kind, Stream stream) {
  const DeviceGuard guard(stream.device);
  IOLAUS_CUDA_CHECK("copy", cudaMemcpyAsync(dst, src, nbytes, kind, stream.handle));
}

}  // namespace iolaus::cuda
