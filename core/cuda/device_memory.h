// DeviceMemory: a CUDA device's memory and events, for the caching allocator.
#pragma once

#include <memory>
#include <vector>

#include "core/allocator/memory_source.h"
#include "core/cuda/mapped_memory.h"
#include "core/cuda/stream.h"

namespace iolaus::cuda {

class DeviceMemory final : public MemorySource {
 public:
  /// growing: offers growing segments where driver and device have them.
  DeviceMemory(int device, bool growing);

  void* allocate(size_t nbytes) override;
  void release(void* memory) noexcept override;
  void capacity(size_t& free_bytes, size_t& total_bytes) override;

  void* record_event(StreamKey stream) noexcept override;
  bool is_done(void* event) override;
  void wait(void* event) override;
  void release_event(void* event) noexcept override;

  void* reserve(size_t nbytes) override;
  void unreserve(void* addresses, size_t nbytes) noexcept override;
  bool map(void* at, size_t nbytes, size_t page) override;
  void unmap(void* at, size_t nbytes, size_t page) noexcept override;

 private:
  int device_;
  std::unique_ptr<MappedMemory> mapped_;  // null: plain segments only
  std::vector<cudaEvent_t> idle_events_;  // guarded by the allocator's lock
};

}  // namespace iolaus::cuda
