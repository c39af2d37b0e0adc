// Segments: memory that blocks are cut from. A plain one is allocated whole and released whole. One
// that grows is a wide range of addresses, of which pages get memory when blocks need them, and
// lose it when nothing uses them; so what a stream frees always joins into one piece.
// Source of the idea: PyTorch's expandable_segments, after cuMemMap (CUDA driver API).
#include <algorithm>
#include <bit>

#include "core/allocator/blocks.h"
#include "core/allocator/caching_allocator.h"
#include "core/error.h"

namespace iolaus {

using namespace allocator_sizes;

size_t CachingAllocator::round_size(size_t nbytes) const {
  const size_t divisions = config_.roundup_divisions;
  if (divisions > 1 && nbytes > kGranule * divisions) {
    return round_up(nbytes, std::bit_floor(nbytes) / divisions);
  }
  return std::max(round_up(nbytes, kGranule), kGranule);
}

bool CachingAllocator::may_reserve(size_t nbytes) const {
  return stats_.reserved <= limit_ && nbytes <= limit_ - stats_.reserved;
}

void CachingAllocator::set_fraction(double fraction) {
  IOLAUS_CHECK(fraction > 0 && fraction <= 1,
               "[{}] the memory fraction must be above 0 and at most 1, got {}", name_, fraction);
  std::lock_guard lock(mutex_);
  size_t free_bytes = 0;
  source_.capacity(free_bytes, total_);
  limit_ = static_cast<size_t>(static_cast<double>(total_) * fraction);
}

CachingAllocator::Block* CachingAllocator::new_memory(Pool& pool, size_t size, StreamKey stream) {
  collect_garbage(segment_size(size));
  if (!config_.growing_segments) return new_segment(pool, size, stream);
  for (Segment* segment : pool.growing) {
    if (segment->stream != stream) continue;
    if (Block* block = grow(*segment, size)) return block;
  }
  Segment* segment = reserve_segment(pool, size, stream);
  if (segment == nullptr) return new_segment(pool, size, stream);
  Block* block = grow(*segment, size);
  if (block == nullptr) remove_segment(segment);
  return block;
}

CachingAllocator::Block* CachingAllocator::new_segment(Pool& pool, size_t size, StreamKey stream) {
  const size_t bytes = segment_size(size);
  if (!may_reserve(bytes)) return nullptr;
  ++stats_.segment_requests;
  void* data = source_.allocate(bytes);
  if (data == nullptr) return nullptr;
  return add_segment(
      std::make_unique<Segment>(Segment{static_cast<char*>(data), bytes, stream, &pool, 0, bytes}));
}

// A range of addresses for a stream's pool, wider than the device's memory, so that one is enough
// unless holes between used blocks are too small. Null where segments cannot grow.
CachingAllocator::Segment* CachingAllocator::reserve_segment(Pool& pool, size_t size,
                                                             StreamKey stream) {
  const size_t page = pool.is_small ? kSmallSegment : kLargeSegment;
  size_t free_bytes = 0;
  if (total_ == 0) source_.capacity(free_bytes, total_);
  const size_t bytes = round_up(std::max(total_ + total_ / 8, size), page);
  void* data = source_.reserve(bytes);
  if (data == nullptr) return nullptr;
  Block* block = add_segment(
      std::make_unique<Segment>(Segment{static_cast<char*>(data), bytes, stream, &pool, page}));
  pool.growing.push_back(block->segment);
  return block->segment;
}

// Backs just enough of the first hole that, with the free block before it, has room for size.
// The result is in no pool.
CachingAllocator::Block* CachingAllocator::grow(Segment& segment, size_t size) {
  for (Block* hole = segment.first; hole != nullptr; hole = hole->next) {
    if (hole->is_mapped()) continue;
    const Block* before = hole->previous;
    const size_t head = before != nullptr && before->is_free() ? before->size : 0;
    if (head + hole->size < size) continue;
    const size_t bytes = round_up(size - head, segment.page);
    if (!may_reserve(bytes)) return nullptr;
    ++stats_.segment_requests;
    if (!source_.map(hole->data, bytes, segment.page)) return nullptr;
    if (bytes < hole->size) cut(hole, bytes);
    history_.record({MemoryAction::kSegmentMap, reinterpret_cast<uintptr_t>(hole->data), bytes,
                     segment.stream, 0, history_.here()});
    count_reserved(segment, static_cast<int64_t>(bytes));
    segment.mapped += bytes;
    Block* block = make_free(hole);
    segment.pool->free.erase(block);
    return block;
  }
  return nullptr;
}

// Takes the memory from whole pages that are free. Returns how many bytes.
size_t CachingAllocator::shrink(Segment& segment) {
  size_t released = 0;
  for (Block* block = segment.first; block != nullptr; block = block->next) {
    if (!block->is_free()) continue;
    const auto offset = static_cast<size_t>(block->data - segment.base);
    const size_t begin = round_up(offset, segment.page);
    const size_t end = (offset + block->size) / segment.page * segment.page;
    if (begin >= end) continue;
    segment.pool->free.erase(block);
    if (begin > offset) {
      Block* pages = cut(block, begin - offset);
      segment.pool->free.insert(block);
      block = pages;
    }
    if (block->size > end - begin) segment.pool->free.insert(cut(block, end - begin));
    source_.unmap(block->data, block->size, segment.page);
    block->state = Block::State::kUnmapped;
    history_.record({MemoryAction::kSegmentUnmap, reinterpret_cast<uintptr_t>(block->data),
                     block->size, segment.stream, 0, history_.here()});
    released += block->size;
    if (block->next != nullptr && !block->next->is_mapped()) merge_next(block);
    if (block->previous != nullptr && !block->previous->is_mapped()) {
      block = block->previous;
      merge_next(block);
    }
  }
  count_reserved(segment, -static_cast<int64_t>(released));
  segment.mapped -= released;
  return released;
}

void CachingAllocator::count_reserved(const Segment& segment, int64_t bytes) {
  const auto change = static_cast<uint64_t>(bytes);  // modulo 2^64, as the sums
  stats_.reserved += change;
  if (segment.pool != nullptr && segment.pool->id != 0) stats_.reserved_pools += change;
  stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
}

// One free block, in no pool; without memory where the segment grows.
CachingAllocator::Block* CachingAllocator::add_segment(std::unique_ptr<Segment> segment) {
  Segment* s = segment.get();
  ++stats_.segments;
  auto block = std::make_unique<Block>(Block{s->base, s->size, s});
  s->first = block.get();
  if (s->is_growing()) {
    s->first->state = Block::State::kUnmapped;
  } else {
    count_reserved(*s, static_cast<int64_t>(s->size));
    history_.record({MemoryAction::kSegmentAlloc, reinterpret_cast<uintptr_t>(s->base), s->size,
                     s->stream, 0, history_.here()});
  }
  segments_[s->base] = std::move(segment);
  blocks_[s->base] = std::move(block);
  return s->first;
}

// Of a segment that is one block, which is in no pool.
void CachingAllocator::remove_segment(Segment* segment) {
  if (segment->is_growing()) {
    source_.unreserve(segment->base, segment->size);
    std::erase(segment->pool->growing, segment);
  } else {
    source_.release(segment->base);
    count_reserved(*segment, -static_cast<int64_t>(segment->size));
    history_.record({MemoryAction::kSegmentFree, reinterpret_cast<uintptr_t>(segment->base),
                     segment->size, segment->stream, 0, history_.here()});
  }
  --stats_.segments;
  blocks_.erase(segment->base);
  segments_.erase(segment->base);
}

size_t CachingAllocator::release_free(Arena& arena) {
  size_t released = 0;
  for (Pool* pool : arena.pools()) {
    for (auto it = pool->free.begin(); it != pool->free.end();) {
      Block* block = *it;
      if (!block->is_whole_segment() || block->segment->is_growing()) {
        ++it;
        continue;
      }
      it = pool->free.erase(it);
      released += block->size;
      remove_segment(block->segment);
    }
    for (Segment* segment : std::vector<Segment*>(pool->growing)) {
      released += shrink(*segment);
      if (segment->mapped == 0) remove_segment(segment);
    }
  }
  return released;
}

// A private pool's memory belongs to its graphs as long as it has a user: a replay writes there.
size_t CachingAllocator::release_all_free() {
  size_t released = release_free(arena(0));
  for (auto& [id, arena] : arenas_) {
    if (arena->users == 0) released += release_free(*arena);
  }
  drop_empty_pools();
  return released;
}

void CachingAllocator::empty_cache() {
  std::lock_guard lock(mutex_);
  if (!redirects_.empty()) return;
  process_events(true);
  release_all_free();
}

// Gives back unused plain segments, the longest unused first, until what comes fits under the
// threshold. Segments that grow need no such care: they hold no more than their blocks' pages.
void CachingAllocator::collect_garbage(size_t coming) {
  if (config_.gc_threshold == 0 || limit_ == SIZE_MAX || !redirects_.empty()) return;
  const double threshold = config_.gc_threshold * static_cast<double>(limit_);
  const auto fits = [&] { return static_cast<double>(stats_.reserved + coming) <= threshold; };
  if (fits()) return;
  std::vector<Block*> unused;
  for (Pool* pool : arena(0).pools()) {
    for (Block* block : pool->free) {
      if (block->is_whole_segment() && !block->segment->is_growing()) unused.push_back(block);
    }
  }
  std::sort(unused.begin(), unused.end(), [](const Block* a, const Block* b) {
    return a->freed_at != b->freed_at ? a->freed_at < b->freed_at : std::less<>()(a->data, b->data);
  });
  for (Block* block : unused) {
    if (fits()) return;
    block->segment->pool->free.erase(block);
    remove_segment(block->segment);
  }
}

}  // namespace iolaus
