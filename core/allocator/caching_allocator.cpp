// Blocks: found in the cache or made, cut to size, freed, merged with free neighbours. All blocks
// of a segment belong to one stream; a block that other streams use waits for events on them.
#include "core/allocator/caching_allocator.h"

#include <algorithm>
#include <utility>

#include "core/allocator/blocks.h"
#include "core/call_context.h"
#include "core/error.h"

namespace iolaus {

using namespace allocator_sizes;

bool CachingAllocator::Less::operator()(const Block* a, const Block* b) const {
  if (a->segment->stream != b->segment->stream) {
    return std::less<>()(a->segment->stream, b->segment->stream);
  }
  return a->size != b->size ? a->size < b->size : std::less<>()(a->data, b->data);
}

CachingAllocator::CachingAllocator(std::string name, MemorySource& source, AllocatorConfig config)
    : name_(std::move(name)), source_(source), config_(config) {
  arenas_[0] = std::make_unique<Arena>(0);
}

CachingAllocator::~CachingAllocator() {
  for (const auto& [stream, list] : waiting_) {
    for (const Waiting& w : list) source_.release_event(w.event);
  }
  for (auto& [base, segment] : segments_) {
    if (!segment->is_growing()) {
      source_.release(base);
      continue;
    }
    // Neighbours that have memory are given back together.
    for (Block* b = segment->first; b != nullptr;) {
      Block* end = b;
      while (end != nullptr && end->is_mapped()) end = end->next;
      const char* limit = end != nullptr ? end->data : segment->base + segment->size;
      if (end != b) {
        source_.unmap(b->data, static_cast<size_t>(limit - b->data), segment->page);
      }
      b = end != nullptr ? end->next : nullptr;
    }
    source_.unreserve(base, segment->size);
  }
}

void* CachingAllocator::allocate(size_t nbytes, StreamKey stream) {
  std::lock_guard lock(mutex_);
  if (nbytes >= kLargestRequest) fail_out_of_memory(nbytes, nbytes, stream);
  ++stats_.allocations;
  ++clock_;
  if (!config_.caching) return allocate_uncached(nbytes, stream);
  process_events(false);
  const size_t size = round_size(nbytes);
  Arena& arena = arena_for(stream);
  Block* block = find_block(size <= kSmallLimit ? arena.small : arena.large, nbytes, size, stream);
  split(block, size);
  start_use(block, nbytes);
  return block->data;
}

void CachingAllocator::start_use(Block* block, size_t nbytes) {
  block->state = Block::State::kInUse;
  block->requested = nbytes;
  block->op = CallContext::current_name();
  block->site = history_.here();
  stats_.allocated += block->size;
  stats_.requested += nbytes;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  stats_.peak_requested = std::max(stats_.peak_requested, stats_.requested);
  ++stats_.blocks_in_use;
  history_.record({MemoryAction::kAlloc, reinterpret_cast<uintptr_t>(block->data), block->size,
                   block->segment->stream, 0, block->site});
}

// A block that is in no pool any more: cached, new, or cached or new once the cache was emptied.
CachingAllocator::Block* CachingAllocator::find_block(Pool& pool, size_t nbytes, size_t size,
                                                      StreamKey stream) {
  Block* block = take_cached(pool, size, stream);
  if (block == nullptr) block = new_memory(pool, size, stream);
  if (block != nullptr) return block;
  if (redirects_.empty()) {
    ++stats_.retries;
    process_events(true);
    // The waiting blocks may have merged into one that fits.
    block = take_cached(pool, size, stream);
    if (block == nullptr && release_all_free() > 0) block = new_memory(pool, size, stream);
  }
  if (block == nullptr) fail_out_of_memory(nbytes, segment_size(size), stream);
  return block;
}

// The smallest free block of the stream that is large enough; of equal ones the lowest.
CachingAllocator::Block* CachingAllocator::take_cached(Pool& pool, size_t size, StreamKey stream) {
  Segment key_segment{nullptr, 0, stream, &pool};
  Block key{nullptr, size, &key_segment};
  const auto found = pool.free.lower_bound(&key);
  if (found == pool.free.end() || (*found)->segment->stream != stream) return nullptr;
  Block* block = *found;
  if (!block->segment->is_growing() && block->size >= config_.max_split_bytes) {
    // It is not cut: so only for a request of about its size.
    if (size < config_.max_split_bytes || block->size >= size + kLargeSegment) return nullptr;
  }
  pool.free.erase(found);
  return block;
}

// Cuts the rest off, where it is worth a block of its own.
void CachingAllocator::split(Block* block, size_t size) {
  const size_t rest = block->size - size;
  const Segment& segment = *block->segment;
  const bool worth = segment.pool->is_small || segment.is_growing()
                         ? rest >= kGranule
                         : rest > kSmallLimit && size < config_.max_split_bytes;
  if (!worth) return;
  Block* tail = cut(block, size);
  tail->freed_at = block->freed_at;
  segment.pool->free.insert(tail);
}

// Makes two blocks of one, of the same state; the second is in no pool.
CachingAllocator::Block* CachingAllocator::cut(Block* block, size_t size) {
  auto tail = std::make_unique<Block>(Block{block->data + size, block->size - size, block->segment,
                                            block, block->next, block->state});
  Block* made = tail.get();
  if (block->next != nullptr) block->next->previous = made;
  block->next = made;
  block->size = size;
  blocks_[made->data] = std::move(tail);
  return made;
}

void CachingAllocator::merge_next(Block* block) {
  Block* next = block->next;
  block->size += next->size;
  block->freed_at = std::max(block->freed_at, next->freed_at);
  block->next = next->next;
  if (block->next != nullptr) block->next->previous = block;
  blocks_.erase(next->data);
}

// Merges it with its free neighbours and puts the result into the pool.
CachingAllocator::Block* CachingAllocator::make_free(Block* block) {
  Pool& pool = *block->segment->pool;
  block->state = Block::State::kFree;
  block->requested = 0;
  block->freed_at = clock_;
  block->op = nullptr;
  block->site = nullptr;
  if (block->next != nullptr && block->next->is_free()) {
    pool.free.erase(block->next);
    merge_next(block);
  }
  if (block->previous != nullptr && block->previous->is_free()) {
    block = block->previous;
    pool.free.erase(block);
    merge_next(block);
  }
  pool.free.insert(block);
  return block;
}

void CachingAllocator::free(void* data) noexcept {
  if (data == nullptr) return;
  std::lock_guard lock(mutex_);
  const auto found = blocks_.find(data);
  if (found == blocks_.end() || found->second->state != Block::State::kInUse) return;
  Block* block = found->second.get();
  stats_.allocated -= block->size;
  stats_.requested -= block->requested;
  --stats_.blocks_in_use;
  MemoryEvent event{MemoryAction::kFreeRequested,
                    reinterpret_cast<uintptr_t>(data),
                    block->size,
                    block->segment->stream,
                    0,
                    history_.here()};
  history_.record(event);
  if (!config_.caching) return release_uncached(block);
  if (block->used_by.empty()) {
    event.action = MemoryAction::kFreeCompleted;
    history_.record(std::move(event));
    make_free(block);
    return;
  }
  block->state = Block::State::kWaiting;
  stats_.waiting += block->size;
  if (redirects_.empty()) {
    wait_for_users(block);
  } else {
    deferred_.push_back(block);
  }
}

// Records an event on each stream that uses the freed block.
void CachingAllocator::wait_for_users(Block* block) {
  const std::vector<StreamKey> used_by = std::move(block->used_by);
  block->used_by.clear();
  for (StreamKey stream : used_by) {
    void* event = source_.record_event(stream);
    if (event == nullptr) continue;
    waiting_[stream].push_back({event, block});
    ++block->pending_events;
  }
  if (block->pending_events > 0) return;
  stats_.waiting -= block->size;
  make_free(block);
}

void CachingAllocator::record_stream(void* data, StreamKey stream) {
  std::lock_guard lock(mutex_);
  const auto found = blocks_.find(data);
  IOLAUS_CHECK(found != blocks_.end() && found->second->state == Block::State::kInUse,
               "[{}] record_stream: the address is not the start of an allocated block", name_);
  Block* block = found->second.get();
  if (stream == block->segment->stream) return;
  auto& used_by = block->used_by;
  if (std::find(used_by.begin(), used_by.end(), stream) == used_by.end()) {
    used_by.push_back(stream);
  }
}

// Frees the blocks whose events are done; with wait, all of them.
void CachingAllocator::process_events(bool wait) {
  if (!redirects_.empty()) return;
  for (Block* block : std::exchange(deferred_, {})) wait_for_users(block);
  for (auto& [stream, list] : waiting_) {
    while (!list.empty()) {
      const Waiting w = list.front();
      if (wait) source_.wait(w.event);
      if (!wait && !source_.is_done(w.event)) break;
      list.pop_front();
      source_.release_event(w.event);
      if (--w.block->pending_events > 0) continue;
      stats_.waiting -= w.block->size;
      history_.record({MemoryAction::kFreeCompleted, reinterpret_cast<uintptr_t>(w.block->data),
                       w.block->size, w.block->segment->stream, 0, w.block->site});
      make_free(w.block);
    }
  }
}

void* CachingAllocator::allocate_uncached(size_t nbytes, StreamKey stream) {
  const size_t size = std::max<size_t>(nbytes, 1);
  ++stats_.segment_requests;
  void* data = may_reserve(size) ? source_.allocate(size) : nullptr;
  if (data == nullptr) fail_out_of_memory(nbytes, size, stream);
  Block* block = add_segment(
      std::make_unique<Segment>(Segment{static_cast<char*>(data), size, stream, nullptr, 0, size}));
  start_use(block, nbytes);
  return data;
}

// At once, when all that may use it is done.
void CachingAllocator::release_uncached(Block* block) noexcept {
  block->used_by.push_back(block->segment->stream);
  for (StreamKey stream : block->used_by) {
    void* event = source_.record_event(stream);
    if (event == nullptr) continue;
    try {
      source_.wait(event);
    } catch (const Error&) {
      // The device has failed; the next call that checks says so.
    }
    source_.release_event(event);
  }
  history_.record({MemoryAction::kFreeCompleted, reinterpret_cast<uintptr_t>(block->data),
                   block->size, block->segment->stream, 0, nullptr});
  remove_segment(block->segment);
}

}  // namespace iolaus
