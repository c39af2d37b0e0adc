// The allocator's own structures, for its .cpp files only. A segment is a list of blocks that touch
// each other; a block is free, in use, waiting for streams, or (in a segment that grows) addresses
// without memory. Free blocks are also in their pool, ordered by stream and size.
#pragma once

#include "core/allocator/caching_allocator.h"

namespace iolaus {

struct CachingAllocator::Block {
  enum class State : uint8_t { kFree, kInUse, kWaiting, kUnmapped };

  char* data;
  size_t size;
  Segment* segment;
  Block* previous = nullptr;  // neighbours in the segment
  Block* next = nullptr;
  State state = State::kFree;
  int pending_events = 0;               // while kWaiting
  size_t requested = 0;                 // bytes asked for, while kInUse or kWaiting
  uint64_t freed_at = 0;                // clock_ of the last free
  std::vector<StreamKey> used_by = {};  // other streams that have queued work on it
  const char* op = nullptr;             // that allocated it
  CallSitePtr site = nullptr;

  bool is_free() const { return state == State::kFree; }
  bool is_mapped() const { return state != State::kUnmapped; }
  bool is_whole_segment() const { return previous == nullptr && next == nullptr; }
};

struct CachingAllocator::Pool {
  PoolId id;
  bool is_small;
  std::set<Block*, Less> free = {};
  std::vector<Segment*> growing = {};
};

struct CachingAllocator::Segment {
  char* base;
  size_t size;  // bytes of addresses
  StreamKey stream;
  Pool* pool;         // null for an uncached allocation
  size_t page = 0;    // of a segment that grows; else 0
  size_t mapped = 0;  // bytes of memory
  Block* first = nullptr;

  bool is_growing() const { return page > 0; }
};

struct CachingAllocator::Arena {
  explicit Arena(PoolId id) : small{id, true}, large{id, false} {}
  Pool small, large;
  int users = 1;
  std::vector<Pool*> pools() { return {&small, &large}; }
};

namespace allocator_sizes {

// Sizes follow PyTorch's CUDACachingAllocator: blocks are multiples of 512 bytes; up to 1 MiB they
// are cut from 2 MiB segments, below 10 MiB from 20 MiB ones, and larger ones get a segment of
// their own, rounded to 2 MiB. Segments that grow do so by 2 MiB or 20 MiB.
inline constexpr size_t kMiB = size_t{1} << 20;
inline constexpr size_t kGranule = 512;
inline constexpr size_t kSmallLimit = kMiB;  // the largest block of the small pool
inline constexpr size_t kSmallSegment = 2 * kMiB;
inline constexpr size_t kLargeSegment = 20 * kMiB;  // for blocks below kOwnSegment
inline constexpr size_t kOwnSegment = 10 * kMiB;
inline constexpr size_t kSegmentGranule = 2 * kMiB;
inline constexpr size_t kLargestRequest = size_t{1} << 45;

inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/// Bytes that a new segment of its own has for a block.
inline size_t segment_size(size_t size) {
  if (size <= kSmallLimit) return kSmallSegment;
  return size < kOwnSegment ? kLargeSegment : round_up(size, kSegmentGranule);
}

}  // namespace allocator_sizes
}  // namespace iolaus
