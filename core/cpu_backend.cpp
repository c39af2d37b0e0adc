// The CPU's backend with a caching allocator: freed blocks are kept in size classes (four per power
// of two), first in a list of the freeing thread, then in one shared by all, so that a training
// step neither locks nor faults pages. Under AddressSanitizer nothing is cached, so that it sees
// every block's end.
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "core/device.h"
#include "core/error.h"

namespace iolaus {
namespace {

#if defined(__SANITIZE_ADDRESS__)  // gcc
#define IOLAUS_ASAN 1
#elif defined(__has_feature)  // clang
#if __has_feature(address_sanitizer)
#define IOLAUS_ASAN 1
#endif
#endif
#if defined(IOLAUS_ASAN)
constexpr bool kCaching = false;
#else
constexpr bool kCaching = true;
#endif
constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kHugeBlock = size_t{8} << 20;  // from here on sizes are whole huge pages
constexpr int kClasses = 4 * 40;
constexpr size_t kThreadLimit = size_t{32} << 20;  // bytes that one thread keeps for itself
constexpr size_t kThreadBlock = size_t{1} << 20;   // larger blocks go to the shared list at once

struct SizeClass {
  int index;
  size_t nbytes;
};

// Rounds up to 64, 80, 96, 112, 128, 160, ...: at most a quarter is wasted.
SizeClass size_class(size_t nbytes) {
  if (nbytes <= kAlignment) return {0, kAlignment};
  const int log2 = 63 - __builtin_clzll(nbytes - 1);
  const size_t quarter = size_t{1} << (log2 - 2);
  const size_t step = (nbytes - 1 - (size_t{1} << log2)) / quarter;
  return {(log2 - 6) * 4 + static_cast<int>(step) + 1, (size_t{1} << log2) + (step + 1) * quarter};
}

using FreeLists = std::vector<void*>[kClasses];

struct SharedCache {
  std::mutex mutex;
  FreeLists lists;
  void release_all() {
    std::lock_guard lock(mutex);
    for (auto& list : lists) {
      for (void* block : list) std::free(block);
      list.clear();
    }
  }
};
// Never destroyed: tensors in static objects may be freed after main.
SharedCache& shared_cache() {
  static auto* cache = new SharedCache;
  return *cache;
}

struct ThreadCache {
  FreeLists lists;
  size_t nbytes = 0;
  ~ThreadCache();
};
thread_local bool t_cache_dead = false;
thread_local ThreadCache t_cache;

ThreadCache::~ThreadCache() {
  t_cache_dead = true;
  SharedCache& shared = shared_cache();
  std::lock_guard lock(shared.mutex);
  for (int i = 0; i < kClasses; ++i) {
    shared.lists[i].insert(shared.lists[i].end(), lists[i].begin(), lists[i].end());
  }
}

void* take(std::vector<void*>& list) {
  if (list.empty()) return nullptr;
  void* block = list.back();
  list.pop_back();
  return block;
}

// Large blocks ask for huge pages: one fault in place of 512, and a lookup that goes anywhere in
// them rarely has to walk the page table.
void* new_block(size_t nbytes) {
  const size_t alignment = nbytes >= kHugeBlock ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (nbytes + alignment - 1) / alignment * alignment);
#if defined(__linux__)
  if (block != nullptr && nbytes >= kHugeBlock) madvise(block, nbytes, MADV_HUGEPAGE);
#endif
  return block;
}

class CpuBackend final : public Backend {
 public:
  int device_count() override { return 1; }

  void* allocate(Device, size_t nbytes) override {
    IOLAUS_CHECK_CODE(nbytes < (size_t{1} << 45), ErrorCode::kOutOfMemory,
                      "[cpu] cannot allocate {} bytes", nbytes);
    const SizeClass c = size_class(nbytes);
    if (kCaching && !t_cache_dead) {
      if (void* block = take(t_cache.lists[c.index])) {
        t_cache.nbytes -= c.nbytes;
        return block;
      }
      SharedCache& shared = shared_cache();
      std::lock_guard lock(shared.mutex);
      if (void* block = take(shared.lists[c.index])) return block;
    }
    void* block = new_block(c.nbytes);
    if (block == nullptr) {
      empty_cache();
      block = new_block(c.nbytes);
    }
    IOLAUS_CHECK_CODE(block != nullptr, ErrorCode::kOutOfMemory,
                      "[cpu] out of memory: cannot allocate {} bytes", nbytes);
    return block;
  }

  void free(Device, void* data, size_t nbytes) noexcept override {
    const SizeClass c = size_class(nbytes);
    if (!kCaching || t_cache_dead) return std::free(data);
    if (c.nbytes <= kThreadBlock && t_cache.nbytes + c.nbytes <= kThreadLimit) {
      t_cache.lists[c.index].push_back(data);
      t_cache.nbytes += c.nbytes;
      return;
    }
    SharedCache& shared = shared_cache();
    std::lock_guard lock(shared.mutex);
    shared.lists[c.index].push_back(data);
  }

  void copy(void* dst, Device, const void* src, Device, size_t nbytes) override {
    std::memmove(dst, src, nbytes);
  }
  void synchronize(Device) override {}
  void empty_cache() override {
    for (auto& list : t_cache.lists) {
      for (void* block : list) std::free(block);
      list.clear();
    }
    t_cache.nbytes = 0;
    shared_cache().release_all();
  }
};

const bool kRegistered = [] {
  static CpuBackend cpu;
  register_backend(kCPU, cpu);
  return true;
}();

}  // namespace
}  // namespace iolaus
