// CachingAllocator: memory of a device whose work runs in streams, later than the host asks for it.
// It asks the device for large segments and cuts blocks from them; a freed block is kept for the
// stream it belongs to, which may reuse it at once, because work on a stream runs in order. The
// logic knows no device: core/cuda gives it CUDA's memory and events, a test gives it a fake.
//
//   caching_allocator.cpp  blocks: take, cut, free, merge, wait for other streams
//   segments.cpp           segments: made whole or grown page by page, and given back
//   pools.cpp              private pools, for the memory of captured graphs
//   inspect.cpp            statistics, snapshots, the out-of-memory report, the self-check
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/allocator/allocator_config.h"
#include "core/allocator/allocator_history.h"
#include "core/allocator/allocator_snapshot.h"
#include "core/allocator/allocator_stats.h"
#include "core/allocator/memory_source.h"

namespace iolaus {

/// Number of a private pool; 0 is the common one.
using PoolId = uint64_t;

class CachingAllocator {
 public:
  /// name is what errors begin with: "cuda:0". The source outlives the allocator.
  CachingAllocator(std::string name, MemorySource& source, AllocatorConfig config = {});
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  /// At least nbytes, 512-byte aligned, ready for work on stream. Where the device has no room the
  /// cache is emptied and the device asked again. Errors: kOutOfMemory with a report.
  void* allocate(size_t nbytes, StreamKey stream);
  /// Gives a block back. Work that its stream or a recorded stream has queued may still use it.
  void free(void* data) noexcept;
  /// Another stream than the block's own has queued work on it: after free() the block waits for
  /// the work queued there until then.
  void record_stream(void* data, StreamKey stream);
  /// Returns the memory that is free to the device, whole segments or pages; waits for events.
  /// Does nothing while a redirection is on.
  void empty_cache();
  /// Reserves at most this part of the device's memory from now on. Errors: outside of (0, 1].
  void set_fraction(double fraction);

  /// A pool of its own: what is allocated in it is reused only in it. It begins with one user.
  PoolId create_pool();
  void retain_pool(PoolId pool);
  /// The last user's release lets empty_cache() return what is free in it, now and later.
  void release_pool(PoolId pool);
  /// From now on allocations on the streams that applies() is true for come from the pool. While
  /// any redirection is on, no event is recorded or asked and no memory given back, because a
  /// stream that is captured may do neither: frees that wait for other streams wait for the end.
  void begin_redirect(PoolId pool, std::function<bool(StreamKey)> applies);
  void end_redirect(PoolId pool);

  AllocatorStats stats() const;
  void reset_peaks();
  /// Starts or stops recording (allocator_history.h).
  void record_history(const HistoryOptions& options);
  AllocatorSnapshot snapshot() const;
  const AllocatorConfig& config() const { return config_; }
  /// Checks the allocator's own structure; the text of the first contradiction, or "".
  std::string check_invariants() const;

 private:
  struct Block;
  struct Segment;
  struct Pool;   // free blocks of one size class and the segments that grow for it
  struct Arena;  // the pools of one PoolId
  struct Less {
    bool operator()(const Block* a, const Block* b) const;
  };
  struct Waiting {
    void* event;
    Block* block;
  };
  using WaitingList = std::deque<Waiting>;  // oldest first; done in this order
  struct Redirect {
    PoolId pool;
    std::function<bool(StreamKey)> applies;
  };

  // caching_allocator.cpp
  Block* find_block(Pool& pool, size_t nbytes, size_t size, StreamKey stream);
  Block* take_cached(Pool& pool, size_t size, StreamKey stream);
  void split(Block* block, size_t size);
  Block* cut(Block* block, size_t size);
  void merge_next(Block* block);
  Block* make_free(Block* block);
  void wait_for_users(Block* block);
  void process_events(bool wait);
  void start_use(Block* block, size_t nbytes);
  void* allocate_uncached(size_t nbytes, StreamKey stream);
  void release_uncached(Block* block) noexcept;

  // segments.cpp
  size_t round_size(size_t nbytes) const;
  bool may_reserve(size_t nbytes) const;
  Block* new_memory(Pool& pool, size_t size, StreamKey stream);
  Block* new_segment(Pool& pool, size_t size, StreamKey stream);
  Segment* reserve_segment(Pool& pool, size_t size, StreamKey stream);
  Block* grow(Segment& segment, size_t size);
  Block* add_segment(std::unique_ptr<Segment> segment);
  void remove_segment(Segment* segment);
  size_t shrink(Segment& segment);
  size_t release_free(Arena& arena);
  size_t release_all_free();
  void collect_garbage(size_t coming);
  void count_reserved(const Segment& segment, int64_t bytes);

  // pools.cpp
  Arena& arena_for(StreamKey stream);
  Arena& arena(PoolId pool);
  void drop_empty_pools();

  // inspect.cpp
  AllocatorStats stats_locked() const;
  std::string top_call_sites() const;
  [[noreturn]] void fail_out_of_memory(size_t nbytes, size_t segment, StreamKey stream);

  std::string name_;
  MemorySource& source_;
  const AllocatorConfig config_;
  mutable std::mutex mutex_;
  std::map<PoolId, std::unique_ptr<Arena>> arenas_;
  PoolId next_pool_ = 1;
  std::vector<Redirect> redirects_;
  std::unordered_map<void*, std::unique_ptr<Block>> blocks_;  // by address, free ones too
  std::map<char*, std::unique_ptr<Segment>> segments_;        // by address
  std::map<StreamKey, WaitingList> waiting_;                  // by the stream that may use them
  std::vector<Block*> deferred_;  // freed during a redirection; events are still to be recorded
  uint64_t clock_ = 0;            // allocations so far: the age of free segments
  size_t limit_ = SIZE_MAX;
  size_t total_ = 0;  // of the device; 0 until first asked
  AllocatorStats stats_;
  AllocatorHistory history_;
};

}  // namespace iolaus
