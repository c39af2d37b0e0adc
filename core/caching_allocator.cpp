// The caching allocator's logic. Sizes follow PyTorch's CUDACachingAllocator: blocks are multiples
// of 512 bytes; up to 1 MiB they are cut from 2 MiB segments, below 10 MiB from 20 MiB ones, and
// larger ones get a segment of their own, rounded to 2 MiB. A block's neighbours in its segment are
// linked, so that free ones merge; all blocks of a segment belong to one stream.
#include "core/caching_allocator.h"

#include <algorithm>

#include "core/error.h"

namespace iolaus {
namespace {

constexpr size_t kGranule = 512;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kSmallLimit = kMiB;  // the largest block of the small pool
constexpr size_t kSmallSegment = 2 * kMiB;
constexpr size_t kLargeSegment = 20 * kMiB;  // for blocks below kOwnSegment
constexpr size_t kOwnSegment = 10 * kMiB;
constexpr size_t kSegmentGranule = 2 * kMiB;
constexpr size_t kLargestRequest = size_t{1} << 45;

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

size_t block_size(size_t nbytes) { return std::max(round_up(nbytes, kGranule), kGranule); }

size_t segment_size(size_t size) {
  if (size <= kSmallLimit) return kSmallSegment;
  return size < kOwnSegment ? kLargeSegment : round_up(size, kSegmentGranule);
}

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / static_cast<double>(kMiB));
}

}  // namespace

struct CachingAllocator::Block {
  char* data;
  size_t size;
  StreamKey stream;
  Pool* pool;
  Block* previous = nullptr;  // neighbours in the segment
  Block* next = nullptr;
  bool in_use = false;
  int pending_events = 0;               // freed, but other streams' work is not done
  std::vector<StreamKey> used_by = {};  // other streams that have queued work on it
};

bool CachingAllocator::Less::operator()(const Block* a, const Block* b) const {
  if (a->stream != b->stream) return std::less<>()(a->stream, b->stream);
  return a->size != b->size ? a->size < b->size : std::less<>()(a->data, b->data);
}

CachingAllocator::CachingAllocator(std::string name, MemorySource& source)
    : name_(std::move(name)), source_(source) {}

CachingAllocator::~CachingAllocator() {
  for (const auto& [stream, list] : waiting_) {
    for (const Waiting& w : list) source_.release_event(w.event);
  }
  for (auto& [data, block] : blocks_) {
    if (block->previous == nullptr) source_.release(data);
  }
}

void* CachingAllocator::allocate(size_t nbytes, StreamKey stream) {
  std::lock_guard lock(mutex_);
  if (nbytes >= kLargestRequest) fail_out_of_memory(nbytes, nbytes);
  ++stats_.allocations;
  process_events(false);
  const size_t size = block_size(nbytes);
  Pool& pool = size <= kSmallLimit ? small_ : large_;
  Block* block = take_cached(pool, size, stream);
  if (block == nullptr) block = new_segment(pool, size, stream);
  if (block == nullptr) {
    ++stats_.retries;
    process_events(true);
    // The waiting blocks may have merged into one that fits.
    block = take_cached(pool, size, stream);
    if (block == nullptr && release_free_segments() > 0) block = new_segment(pool, size, stream);
    if (block == nullptr) fail_out_of_memory(nbytes, segment_size(size));
  }
  split(block, size);
  block->in_use = true;
  stats_.allocated += block->size;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  ++stats_.blocks_in_use;
  return block->data;
}

// The smallest free block of the stream that is large enough; of equal ones the lowest.
CachingAllocator::Block* CachingAllocator::take_cached(Pool& pool, size_t size, StreamKey stream) {
  Block key{nullptr, size, stream, &pool};
  const auto found = pool.lower_bound(&key);
  if (found == pool.end() || (*found)->stream != stream) return nullptr;
  Block* block = *found;
  pool.erase(found);
  return block;
}

CachingAllocator::Block* CachingAllocator::new_segment(Pool& pool, size_t size, StreamKey stream) {
  const size_t bytes = segment_size(size);
  ++stats_.segment_requests;
  void* data = source_.allocate(bytes);
  if (data == nullptr) return nullptr;
  ++stats_.segments;
  stats_.reserved += bytes;
  stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  auto block = std::make_unique<Block>(Block{static_cast<char*>(data), bytes, stream, &pool});
  return (blocks_[data] = std::move(block)).get();
}

// Cuts the rest off, where it is worth a block of its own.
void CachingAllocator::split(Block* block, size_t size) {
  const size_t rest = block->size - size;
  const bool worth = block->pool == &small_ ? rest >= kGranule : rest > kSmallLimit;
  if (!worth) return;
  auto tail = std::make_unique<Block>(
      Block{block->data + size, rest, block->stream, block->pool, block, block->next});
  if (block->next != nullptr) block->next->previous = tail.get();
  block->next = tail.get();
  block->size = size;
  block->pool->insert(tail.get());
  void* data = tail->data;
  blocks_[data] = std::move(tail);
}

void CachingAllocator::free(void* data) noexcept {
  if (data == nullptr) return;
  std::lock_guard lock(mutex_);
  const auto found = blocks_.find(data);
  if (found == blocks_.end() || !found->second->in_use) return;  // not ours, or freed twice
  Block* block = found->second.get();
  block->in_use = false;
  stats_.allocated -= block->size;
  --stats_.blocks_in_use;
  const std::vector<StreamKey> used_by = std::move(block->used_by);
  block->used_by.clear();
  for (StreamKey stream : used_by) {
    void* event = source_.record_event(stream);
    if (event == nullptr) continue;
    waiting_[stream].push_back({event, block});
    ++block->pending_events;
  }
  if (block->pending_events > 0) {
    stats_.waiting += block->size;
  } else {
    make_free(block);
  }
}

void CachingAllocator::record_stream(void* data, StreamKey stream) {
  std::lock_guard lock(mutex_);
  const auto found = blocks_.find(data);
  IOLAUS_CHECK(found != blocks_.end() && found->second->in_use,
               "[{}] record_stream: the address is not the start of an allocated block", name_);
  Block* block = found->second.get();
  if (stream == block->stream) return;
  auto& used_by = block->used_by;
  if (std::find(used_by.begin(), used_by.end(), stream) == used_by.end()) {
    used_by.push_back(stream);
  }
}

void CachingAllocator::merge_next(Block* block) {
  Block* next = block->next;
  block->size += next->size;
  block->next = next->next;
  if (block->next != nullptr) block->next->previous = block;
  blocks_.erase(next->data);
}

void CachingAllocator::make_free(Block* block) {
  const auto is_free = [](const Block* b) {
    return b != nullptr && !b->in_use && b->pending_events == 0;
  };
  if (is_free(block->next)) {
    block->pool->erase(block->next);
    merge_next(block);
  }
  if (is_free(block->previous)) {
    block = block->previous;
    block->pool->erase(block);
    merge_next(block);
  }
  block->pool->insert(block);
}

// Frees the blocks whose events are done; with wait, all of them.
void CachingAllocator::process_events(bool wait) {
  for (auto& [stream, list] : waiting_) {
    while (!list.empty()) {
      const Waiting w = list.front();
      if (wait) source_.wait(w.event);
      if (!wait && !source_.is_done(w.event)) break;
      list.pop_front();
      source_.release_event(w.event);
      if (--w.block->pending_events > 0) continue;
      stats_.waiting -= w.block->size;
      make_free(w.block);
    }
  }
}

size_t CachingAllocator::release_free_segments() {
  size_t released = 0;
  for (Pool* pool : {&small_, &large_}) {
    for (auto it = pool->begin(); it != pool->end();) {
      Block* block = *it;
      if (block->previous != nullptr || block->next != nullptr) {
        ++it;
        continue;
      }
      it = pool->erase(it);
      source_.release(block->data);
      released += block->size;
      stats_.reserved -= block->size;
      --stats_.segments;
      blocks_.erase(block->data);
    }
  }
  return released;
}

void CachingAllocator::empty_cache() {
  std::lock_guard lock(mutex_);
  process_events(true);
  release_free_segments();
}

AllocatorStats CachingAllocator::stats_locked() const {
  AllocatorStats stats = stats_;
  for (const Pool* pool : {&small_, &large_}) {
    for (const Block* block : *pool) {
      stats.largest_free = std::max<uint64_t>(stats.largest_free, block->size);
    }
  }
  return stats;
}

AllocatorStats CachingAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_locked();
}

void CachingAllocator::reset_peaks() {
  std::lock_guard lock(mutex_);
  stats_.peak_allocated = stats_.allocated;
  stats_.peak_reserved = stats_.reserved;
}

void CachingAllocator::fail_out_of_memory(size_t nbytes, size_t segment) {
  ++stats_.out_of_memory;
  size_t free_bytes = 0, total_bytes = 0;
  source_.capacity(free_bytes, total_bytes);
  fail(ErrorCode::kOutOfMemory,
       "[{}] out of memory: cannot allocate {} (a segment of {}); the device has {} free of {}.\n{}"
       "Try a smaller batch, or lower precision.",
       name_, mebibytes(nbytes), mebibytes(segment), mebibytes(free_bytes), mebibytes(total_bytes),
       stats_locked().table());
}

double AllocatorStats::fragmentation() const {
  const uint64_t unused = reserved - std::min(reserved, allocated + waiting);
  if (unused == 0) return 0;
  return 1 - static_cast<double>(largest_free) / static_cast<double>(unused);
}

std::string AllocatorStats::table() const {
  const auto row = [](const char* name, const std::string& value) {
    return fmt::format("  {:<22}{:>14}\n", name, value);
  };
  return row("in use", mebibytes(allocated)) + row("in use, peak", mebibytes(peak_allocated)) +
         row("reserved", mebibytes(reserved)) + row("reserved, peak", mebibytes(peak_reserved)) +
         row("waits for streams", mebibytes(waiting)) +
         row("largest free block", mebibytes(largest_free)) +
         row("fragmentation", fmt::format("{:.0f} %", 100 * fragmentation())) +
         row("blocks in use", std::to_string(blocks_in_use)) +
         row("segments", std::to_string(segments)) + row("retries", std::to_string(retries));
}

std::string CachingAllocator::check_invariants() const {
  std::lock_guard lock(mutex_);
  uint64_t allocated = 0, reserved = 0, waiting = 0, free_blocks = 0;
  for (const auto& [data, block] : blocks_) {
    reserved += block->size;
    if (block->in_use) allocated += block->size;
    if (block->pending_events > 0) waiting += block->size;
    const bool is_free = !block->in_use && block->pending_events == 0;
    free_blocks += is_free;
    if (data != block->data || block->size % kGranule != 0) return "a block's address or size";
    if (is_free != (block->pool->count(block.get()) == 1)) return "a free block is not in its pool";
    const Block* next = block->next;
    if (next == nullptr) continue;
    if (next->previous != block.get()) return "neighbours disagree";
    if (next->data != block->data + block->size) return "neighbours do not touch";
    if (next->stream != block->stream) return "two streams in a segment";
    if (is_free && !next->in_use && next->pending_events == 0) return "free neighbours not merged";
  }
  if (free_blocks != small_.size() + large_.size()) return "a pool holds a block twice or a ghost";
  if (allocated != stats_.allocated) return "allocated bytes";
  if (reserved != stats_.reserved) return "reserved bytes";
  return waiting == stats_.waiting ? "" : "waiting bytes";
}

}  // namespace iolaus
