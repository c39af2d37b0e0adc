// What one can ask an allocator: statistics, a snapshot, the report of an allocation that failed,
// and whether its own structure is sound.
#include <algorithm>

#include "core/allocator/blocks.h"
#include "core/allocator/caching_allocator.h"
#include "core/backtrace.h"
#include "core/error.h"

namespace iolaus {
namespace {

constexpr size_t kTopSites = 5;

// Frames that say nothing of who allocated: the runtime's own ways to memory.
bool is_plumbing(const std::string& name) {
  for (const char* part : {"CachingAllocator::", "Backend::allocate", "iolaus::Storage::Storage",
                           "make_intrusive", "iolaus::empty", "DeviceScratch", "_start"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

// "softmax, by f() < g() < h()": the op, and the first frames that say who allocated.
std::string site_text(const char* op, const CallSite* site) {
  std::string text = op != nullptr ? op : "";
  if (site == nullptr || site->frames.empty()) return text.empty() ? "(no op named)" : text;
  int shown = 0;
  for (const StackFrame& frame : symbolise(site->frames)) {
    if (is_plumbing(frame.name)) continue;
    text += shown == 0 ? (text.empty() ? "" : ", by ") : " < ";
    text += frame.name.substr(0, 100);
    if (++shown == 3) break;
  }
  return text;
}

}  // namespace

AllocatorStats CachingAllocator::stats_locked() const {
  AllocatorStats stats = stats_;
  stats.limit = limit_ == SIZE_MAX ? 0 : limit_;
  for (const auto& [id, arena] : arenas_) {
    for (Pool* pool : arena->pools()) {
      for (const Block* block : pool->free) {
        stats.largest_free = std::max<uint64_t>(stats.largest_free, block->size);
        if (!block->is_whole_segment()) stats.inactive_split += block->size;
      }
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
  stats_.peak_requested = stats_.requested;
  stats_.peak_reserved = stats_.reserved;
}

void CachingAllocator::record_history(const HistoryOptions& options) {
  std::lock_guard lock(mutex_);
  history_.start(options);
}

AllocatorSnapshot CachingAllocator::snapshot() const {
  std::lock_guard lock(mutex_);
  AllocatorSnapshot all{{}, history_.events(), config_};
  for (const auto& [base, segment] : segments_) {
    const Pool* pool = segment->pool;
    bool begins = true;
    for (const Block* b = segment->first; b != nullptr; b = b->next) {
      if (!b->is_mapped()) {
        begins = true;
        continue;
      }
      const auto address = reinterpret_cast<uintptr_t>(b->data);
      if (begins) {
        all.segments.push_back({address,
                                0,
                                segment->stream,
                                pool != nullptr ? pool->id : 0,
                                pool != nullptr && pool->is_small,
                                segment->is_growing(),
                                {}});
        begins = false;
      }
      all.segments.back().size += b->size;
      all.segments.back().blocks.push_back({address, b->size, b->requested,
                                            b->is_free()                       ? BlockUse::kFree
                                            : b->state == Block::State::kInUse ? BlockUse::kInUse
                                                                               : BlockUse::kWaiting,
                                            b->site});
    }
  }
  return all;
}

// Live bytes by call site where history is on, else by op; the largest first.
std::string CachingAllocator::top_call_sites() const {
  struct Sum {
    uint64_t bytes = 0, blocks = 0;
    const CallSite* site = nullptr;
  };
  std::map<std::pair<const char*, std::vector<void*>>, Sum> sums;
  for (const auto& [data, block] : blocks_) {
    if (block->state != Block::State::kInUse) continue;
    Sum& sum = sums[{block->op, block->site ? block->site->frames : std::vector<void*>()}];
    sum.bytes += block->size;
    ++sum.blocks;
    sum.site = block->site.get();
  }
  std::vector<std::pair<const char*, Sum>> sites;
  for (const auto& [key, sum] : sums) sites.emplace_back(key.first, sum);
  std::sort(sites.begin(), sites.end(),
            [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  if (sites.empty()) return "";
  std::string text = "Most memory is held by\n";
  for (size_t i = 0; i < std::min(kTopSites, sites.size()); ++i) {
    const auto& [op, sum] = sites[i];
    text += fmt::format("  {:>12} in {:>5} blocks: {}\n", mebibytes(sum.bytes), sum.blocks,
                        site_text(op, sum.site));
  }
  return text;
}

void CachingAllocator::fail_out_of_memory(size_t nbytes, size_t segment, StreamKey stream) {
  ++stats_.out_of_memory;
  size_t free_bytes = 0, total_bytes = 0;
  source_.capacity(free_bytes, total_bytes);
  history_.record({MemoryAction::kOutOfMemory, free_bytes, nbytes, stream, 0, history_.here()});
  const AllocatorStats stats = stats_locked();
  std::string advice = "Try a smaller batch, or lower precision.";
  if (stats.limit > 0 && stats.limit < total_bytes && free_bytes >= segment) {
    advice = "The memory fraction forbids more: raise it (set_memory_fraction).";
  } else if (!redirects_.empty()) {
    advice = "A graph is being captured, so the cache could not be emptied: do it before.";
  } else if (stats.fragmentation() > 0.3 && stats.reserved - stats.allocated >= nbytes) {
    advice =
        "Enough is free, but in pieces: IOLAUS_CUDA_ALLOC_CONF=expandable_segments:True, or "
        "max_split_size_mb:128, may help.";
  } else if (stats.reserved < total_bytes / 4 && free_bytes < total_bytes / 4) {
    advice = "Another process holds most of the device's memory (see nvidia-smi).";
  }
  if (!history_.is_on()) {
    advice += " Record the memory history to see which calls hold it.";
  }
  fail(ErrorCode::kOutOfMemory,
       "[{}] out of memory: cannot allocate {} (a segment of {}); the device has {} free of {}.\n"
       "{}{}{}",
       name_, mebibytes(nbytes), mebibytes(segment), mebibytes(free_bytes), mebibytes(total_bytes),
       stats.table(), top_call_sites(), advice);
}

std::string CachingAllocator::check_invariants() const {
  std::lock_guard lock(mutex_);
  uint64_t allocated = 0, requested = 0, reserved = 0, in_pools = 0, waiting = 0;
  size_t free_blocks = 0, seen = 0;
  for (const auto& [base, segment] : segments_) {
    if (segment->first == nullptr || segment->first->data != base) return "a segment's first block";
    uint64_t size = 0, mapped = 0;
    for (const Block* b = segment->first; b != nullptr; b = b->next) {
      ++seen;
      const auto found = blocks_.find(b->data);
      if (found == blocks_.end() || found->second.get() != b) return "a block is not in the table";
      if (b->segment != segment.get()) return "a block's segment";
      if (b->data != base + size) return "neighbours do not touch";
      if (b->next != nullptr && b->next->previous != b) return "the links of neighbours differ";
      if (b->next != nullptr && b->next->state == b->state && (b->is_free() || !b->is_mapped())) {
        return "neighbours of one kind are not merged";
      }
      size += b->size;
      if (b->is_mapped()) mapped += b->size;
      if (b->state == Block::State::kInUse) allocated += b->size, requested += b->requested;
      if (b->state == Block::State::kWaiting) waiting += b->size;
      if (b->is_free()) {
        ++free_blocks;
        if (!segment->pool->free.contains(const_cast<Block*>(b)))
          return "a free block is in no pool";
      }
      if (segment->is_growing() && !b->is_mapped() &&
          (static_cast<size_t>(b->data - base) % segment->page != 0 ||
           b->size % segment->page != 0)) {
        return "a hole is not of whole pages";
      }
    }
    if (size != segment->size) return "a segment's size";
    if (mapped != segment->mapped) return "a segment's mapped bytes";
    reserved += mapped;
    if (segment->pool != nullptr && segment->pool->id != 0) in_pools += mapped;
  }
  if (seen != blocks_.size()) return "the table has blocks of no segment";
  size_t in_free_lists = 0;
  for (const auto& [id, arena] : arenas_) {
    for (Pool* pool : arena->pools()) in_free_lists += pool->free.size();
  }
  if (free_blocks != in_free_lists) return "a pool holds a block twice or a ghost";
  if (allocated != stats_.allocated) return "allocated bytes";
  if (requested != stats_.requested) return "requested bytes";
  if (reserved != stats_.reserved) return "reserved bytes";
  if (in_pools != stats_.reserved_pools) return "reserved bytes of private pools";
  return waiting == stats_.waiting ? "" : "waiting bytes";
}

}  // namespace iolaus
