// CachingAllocator: memory of a device whose work runs in streams, later than the host asks for it.
// It asks the device for large segments and cuts blocks from them; a freed block is kept for the
// stream it belongs to, which may reuse it at once, because work on a stream runs in order. The
// logic knows no device: core/cuda gives it CUDA's memory and events, a test gives it a fake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace iolaus {

/// Any handle of a stream; equal handles are the same stream.
using StreamKey = const void*;

/// Where segments come from, and how to learn that a stream's work is done. Events are opaque.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// A segment, or null where the device has no room.
  virtual void* allocate(size_t nbytes) = 0;
  virtual void release(void* segment) noexcept = 0;
  /// Bytes of the device: free now, and in all.
  virtual void capacity(size_t& free_bytes, size_t& total_bytes) = 0;
  /// An event that is done once the work queued on the stream so far is done; null where the
  /// device no longer answers (at the program's end): then nothing runs there either.
  virtual void* record_event(StreamKey stream) noexcept = 0;
  virtual bool is_done(void* event) = 0;
  virtual void wait(void* event) = 0;
  virtual void release_event(void* event) noexcept = 0;
};

struct AllocatorStats {
  uint64_t allocated = 0;       // bytes in blocks that are in use
  uint64_t reserved = 0;        // bytes in segments
  uint64_t peak_allocated = 0;  // since the start or reset_peaks()
  uint64_t peak_reserved = 0;
  uint64_t waiting = 0;       // bytes freed, but another stream may still use them
  uint64_t largest_free = 0;  // the largest free block in a segment
  uint64_t segments = 0;
  uint64_t blocks_in_use = 0;
  uint64_t allocations = 0;  // calls
  uint64_t segment_requests = 0;
  uint64_t retries = 0;  // allocations that emptied the cache first
  uint64_t out_of_memory = 0;
  /// Part of the unused reserved bytes that the largest free block cannot serve, 0 to 1.
  double fragmentation() const;
  /// The table that an out-of-memory error shows.
  std::string table() const;
};

class CachingAllocator {
 public:
  /// name is what errors begin with: "cuda:0". The source outlives the allocator.
  CachingAllocator(std::string name, MemorySource& source);
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  /// At least nbytes, 512-byte aligned, ready for work on stream. Where the device has no room the
  /// cache is emptied and the device asked again. Errors: kOutOfMemory with the table.
  void* allocate(size_t nbytes, StreamKey stream);
  /// Gives a block back. Work that its stream or a recorded stream has queued may still use it.
  void free(void* data) noexcept;
  /// Another stream than the block's own has queued work on it: after free() the block waits for
  /// the work queued there until then.
  void record_stream(void* data, StreamKey stream);
  /// Returns every segment that is wholly free to the device; waits for events.
  void empty_cache();
  AllocatorStats stats() const;
  void reset_peaks();
  /// Checks the allocator's own structure; the text of the first contradiction, or "".
  std::string check_invariants() const;

 private:
  struct Block;
  struct Less {
    bool operator()(const Block* a, const Block* b) const;
  };
  using Pool = std::set<Block*, Less>;
  struct Waiting {
    void* event;
    Block* block;
  };
  using WaitingList = std::deque<Waiting>;  // oldest first; done in this order

  Block* take_cached(Pool& pool, size_t size, StreamKey stream);
  Block* new_segment(Pool& pool, size_t size, StreamKey stream);
  void split(Block* block, size_t size);
  void make_free(Block* block);
  void merge_next(Block* block);
  void process_events(bool wait);
  size_t release_free_segments();
  AllocatorStats stats_locked() const;
  [[noreturn]] void fail_out_of_memory(size_t nbytes, size_t segment);

  std::string name_;
  MemorySource& source_;
  mutable std::mutex mutex_;
  Pool small_, large_;
  std::unordered_map<void*, std::unique_ptr<Block>> blocks_;  // by address, free ones too
  std::map<StreamKey, WaitingList> waiting_;                  // by the stream that may use them
  AllocatorStats stats_;
};

}  // namespace iolaus
