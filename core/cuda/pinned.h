// Page-locked host memory, cached, and copies that the host does not wait for.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "core/cuda/stream.h"

namespace iolaus::cuda {

struct PinnedStats {
  uint64_t allocated = 0;       // bytes in blocks that are in use
  uint64_t peak_allocated = 0;  // since the start
  uint64_t reserved = 0;        // bytes that are locked
  uint64_t peak_reserved = 0;
  uint64_t allocations = 0;  // calls
  uint64_t host_allocs = 0;  // calls that had to lock new memory, which is slow
};

/// Blocks of powers of two; copies from and to them run while the host goes on, and a block is
/// reused only when the copies recorded on it are done.
class PinnedAllocator {
 public:
  /// At least nbytes, 64-byte aligned. Errors: kOutOfMemory.
  void* allocate(size_t nbytes);
  /// A copy queued on the stream uses the block: it is not reused before that is done.
  void record(void* data, Stream stream);
  void free(void* data) noexcept;
  /// Unlocks and returns what is cached and idle.
  void empty_cache();
  PinnedStats stats() const;

 private:
  struct Block {
    void* data;
    int size_log2;
    std::vector<Event> events;
    bool is_idle() const;
  };
  void* take(int size_log2);
  void* lock_memory(int size_log2);

  mutable std::mutex mutex_;
  std::map<void*, Block> in_use_;
  std::vector<Block> free_[64];
  PinnedStats stats_;
};
PinnedAllocator& pinned_allocator();

/// Queues a copy on the stream and returns at once. The host side must be pinned, and stays valid
/// until the stream has done it.
void copy_async(void* dst, const void* src, size_t nbytes, cudaMemcpyKind kind, Stream stream);

}  // namespace iolaus::cuda
