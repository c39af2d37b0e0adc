// The cache of pinned blocks: one list per power of two.
#include "core/cuda/pinned.h"

#include <algorithm>
#include <bit>

#include "core/cuda/capture.h"
#include "core/error.h"

namespace iolaus::cuda {

bool PinnedAllocator::Block::is_idle() const {
  return std::all_of(events.begin(), events.end(), [](const Event& e) { return e.is_done(); });
}

void* PinnedAllocator::allocate(size_t nbytes) {
  IOLAUS_CHECK_CODE(nbytes < (size_t{1} << 45), ErrorCode::kOutOfMemory,
                    "[pinned] cannot allocate {} bytes", nbytes);
  const int size_log2 = std::max(9, static_cast<int>(std::bit_width(nbytes - (nbytes > 0))));
  std::lock_guard lock(mutex_);
  const AllowWhileCapturing allow;
  ++stats_.allocations;
  void* data = take(size_log2);
  if (data == nullptr) data = lock_memory(size_log2);
  stats_.allocated += uint64_t{1} << size_log2;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  return data;
}

// A cached block that no copy uses any more, or null.
void* PinnedAllocator::take(int size_log2) {
  auto& list = free_[size_log2];
  const auto idle =
      std::find_if(list.begin(), list.end(), [](const Block& block) { return block.is_idle(); });
  if (idle == list.end()) return nullptr;
  std::swap(*idle, list.back());
  Block block = std::move(list.back());
  list.pop_back();
  block.events.clear();
  void* data = block.data;
  in_use_.emplace(data, std::move(block));
  return data;
}

void* PinnedAllocator::lock_memory(int size_log2) {
  void* data = nullptr;
  IOLAUS_CUDA_CHECK("pinned", cudaHostAlloc(&data, size_t{1} << size_log2, cudaHostAllocPortable));
  ++stats_.host_allocs;
  stats_.reserved += uint64_t{1} << size_log2;
  stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  in_use_.emplace(data, Block{data, size_log2, {}});
  return data;
}

void PinnedAllocator::record(void* data, Stream stream) {
  std::lock_guard lock(mutex_);
  const auto found = in_use_.find(data);
  IOLAUS_CHECK(found != in_use_.end(), "[pinned] the address is not the start of a pinned block");
  found->second.events.emplace_back(stream.device);
  found->second.events.back().record(stream);
}

void PinnedAllocator::free(void* data) noexcept {
  std::lock_guard lock(mutex_);
  const auto found = in_use_.find(data);
  if (found == in_use_.end()) return;
  stats_.allocated -= uint64_t{1} << found->second.size_log2;
  free_[found->second.size_log2].push_back(std::move(found->second));
  in_use_.erase(found);
}

void PinnedAllocator::empty_cache() {
  std::lock_guard lock(mutex_);
  for (auto& list : free_) {
    std::erase_if(list, [&](const Block& block) {
      if (!block.is_idle()) return false;
      static_cast<void>(cudaFreeHost(block.data));
      stats_.reserved -= uint64_t{1} << block.size_log2;
      return true;
    });
  }
}

PinnedStats PinnedAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

PinnedAllocator& pinned_allocator() {
  static auto* allocator = new PinnedAllocator;
  return *allocator;
}

void copy_async(void* dst, const void* src, size_t nbytes, cudaMemcpyKind kind, Stream stream) {
  const DeviceGuard guard(stream.device);
  IOLAUS_CUDA_CHECK("copy", cudaMemcpyAsync(dst, src, nbytes, kind, stream.handle));
}

}  // namespace iolaus::cuda
