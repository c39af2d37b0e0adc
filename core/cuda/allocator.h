// The caching allocators of CUDA devices, and pinned host memory for copies that do not wait.
#pragma once

#include "core/allocator/caching_allocator.h"
#include "core/cuda/stream.h"

namespace iolaus::cuda {

/// The allocator of a device, made at first use.
CachingAllocator& device_allocator(int device);
/// The same for all devices that have been used so far: gives their cached memory back.
void empty_device_caches();

/// Page-locked host memory, cached by powers of two. Copies from and to it run while the host goes
/// on; a block is reused only when the copies recorded on it are done.
class PinnedAllocator {
 public:
  /// At least nbytes, 64-byte aligned. Errors: kOutOfMemory.
  void* allocate(size_t nbytes);
  /// A copy queued on the stream uses the block: it is not reused before that is done.
  void record(void* data, Stream stream);
  void free(void* data) noexcept;
  /// Unlocks and returns what is cached and idle.
  void empty_cache();

 private:
  struct Block {
    void* data;
    int size_log2;
    std::vector<Event> events;
    bool is_idle() const;
  };
  std::mutex mutex_;
  std::map<void*, Block> in_use_;
  std::vector<Block> free_[64];
};
PinnedAllocator& pinned_allocator();

/// Queues a copy on the stream and returns at once. The host side must be pinned, and stays valid
/// until the stream has done it.
void copy_async(void* dst, const void* src, size_t nbytes, cudaMemcpyKind kind, Stream stream);

}  // namespace iolaus::cuda
