// One allocator per device, over its memory.
#include "core/cuda/allocator.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "core/cuda/device_memory.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

// Never destroyed: tensors in static objects may be freed after main, and at that time the driver
// takes all memory back by itself.
struct Allocators {
  std::mutex mutex;
  std::unique_ptr<DeviceMemory> memory[64];
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
    const AllocatorConfig config = allocator_config_from_environment();
    all.memory[device] =
        std::make_unique<DeviceMemory>(device, config.growing_segments && config.caching);
    slot = std::make_unique<CachingAllocator>(Device(kCUDA, device).str(), *all.memory[device],
                                              config);
    all.ready[device].store(slot.get(), std::memory_order_release);
  }
  return *slot;
}

void empty_device_caches() {
  for (auto& ready : allocators().ready) {
    if (CachingAllocator* found = ready.load(std::memory_order_acquire)) found->empty_cache();
  }
}

}  // namespace iolaus::cuda
