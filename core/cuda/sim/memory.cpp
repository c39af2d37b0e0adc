// A first-fit allocator over a reserved range of addresses, and the registry of pinned memory.
#include "core/cuda/sim/memory.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "core/cuda/sim/checker.h"
#include "core/cuda/sim/options.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace iolaus::sim {
namespace {

constexpr size_t kPage = 4096, kAlignment = 256;
constexpr size_t kRange = size_t{1} << 34;

struct Allocation {
  size_t nbytes;
  char* pages;  // the first page
  size_t page_bytes;
};

struct Memory {
  std::recursive_mutex mutex;
  char* range = nullptr;
  size_t used = 0;
  int open = 0;
  std::map<char*, Allocation> allocations;
  std::map<char*, size_t> holes;  // free pages below the end
  char* end = nullptr;
  std::map<char*, size_t> pinned;

  Memory() {
    void* reserved =
        mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
      std::perror("[simulated device] cannot reserve addresses");
      std::abort();
    }
    range = end = static_cast<char*>(reserved);
  }
};
Memory& memory() {
  static auto* one = new Memory;
  return *one;
}

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

void poison(const void* data, size_t nbytes, bool on) {
#if defined(__SANITIZE_ADDRESS__)
  on ? __asan_poison_memory_region(data, nbytes) : __asan_unpoison_memory_region(data, nbytes);
#else
  static_cast<void>(data), static_cast<void>(nbytes), static_cast<void>(on);
#endif
}

// Pages for nbytes and the guard page after them.
char* take_pages(Memory& m, size_t nbytes) {
  for (auto hole = m.holes.begin(); hole != m.holes.end(); ++hole) {
    if (hole->second < nbytes) continue;
    char* pages = hole->first;
    const size_t rest = hole->second - nbytes;
    m.holes.erase(hole);
    if (rest > 0) m.holes[pages + nbytes] = rest;
    return pages;
  }
  if (static_cast<size_t>(m.range + kRange - m.end) < nbytes) return nullptr;
  char* pages = m.end;
  m.end += nbytes;
  return pages;
}

void give_pages(Memory& m, char* pages, size_t nbytes) {
  auto next = m.holes.emplace(pages, nbytes).first;
  if (next != m.holes.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == pages) {
      before->second += nbytes;
      m.holes.erase(next);
      next = before;
    }
  }
  const auto after = std::next(next);
  if (after != m.holes.end() && next->first + next->second == after->first) {
    next->second += after->second;
    m.holes.erase(after);
  }
}

void protect(const Allocation& a, bool open) {
  mprotect(a.pages, a.page_bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

template <class Map> auto find_below(Map& map, const void* data) {
  auto found = map.upper_bound(static_cast<char*>(const_cast<void*>(data)));
  return found == map.begin() ? map.end() : std::prev(found);
}

}  // namespace

void* device_allocate(size_t nbytes) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  if (nbytes > options().memory_bytes - m.used) return nullptr;
  const size_t rounded = round_up(std::max<size_t>(nbytes, 1), kAlignment);
  const size_t page_bytes = round_up(rounded, kPage);
  char* pages = take_pages(m, page_bytes + kPage);
  if (pages == nullptr) return nullptr;
  // At the end of its pages, so that what is read or written beyond meets the guard page.
  char* data = pages + page_bytes - rounded;
  Allocation a{nbytes, pages, page_bytes};
  protect(a, true);
  poison(pages, page_bytes, false);
  std::memset(pages, 0xff, page_bytes);
  poison(pages, static_cast<size_t>(data - pages), true);
  poison(data + nbytes, rounded - nbytes, true);
  if (m.open == 0) protect(a, false);
  m.allocations.emplace(data, a);
  m.used += nbytes;
  checker::on_allocate(data, nbytes);
  return data;
}

bool device_free(void* data) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  const auto found = m.allocations.find(static_cast<char*>(data));
  if (found == m.allocations.end()) return false;
  const Allocation a = found->second;
  m.allocations.erase(found);
  m.used -= a.nbytes;
  checker::on_free(data, a.nbytes);
  protect(a, false);
  madvise(a.pages, a.page_bytes, MADV_DONTNEED);
  give_pages(m, a.pages, a.page_bytes + kPage);
  return true;
}

size_t device_free_bytes() {
  std::lock_guard lock(memory().mutex);
  return options().memory_bytes - memory().used;
}

std::pair<const void*, size_t> device_range() { return {memory().range, kRange}; }

bool in_device_range(const void* data) {
  const char* begin = memory().range;
  return data >= begin && data < begin + kRange;
}

bool is_device_memory(const void* data, size_t nbytes) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  const auto found = find_below(m.allocations, data);
  if (found == m.allocations.end()) return false;
  const auto offset = static_cast<size_t>(static_cast<const char*>(data) - found->first);
  return offset <= found->second.nbytes && nbytes <= found->second.nbytes - offset;
}

void* pinned_allocate(size_t nbytes) {
  void* data = std::aligned_alloc(kPage, round_up(std::max<size_t>(nbytes, 1), kPage));
  if (data == nullptr) return nullptr;
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  m.pinned[static_cast<char*>(data)] = nbytes;
  return data;
}

bool pinned_free(void* data) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  if (m.pinned.erase(static_cast<char*>(data)) == 0) return false;
  std::free(data);
  return true;
}

bool is_pinned_memory(const void* data, size_t nbytes) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  const auto found = find_below(m.pinned, data);
  if (found == m.pinned.end()) return false;
  const auto offset = static_cast<size_t>(static_cast<const char*>(data) - found->first);
  return offset <= found->second && nbytes <= found->second - offset;
}

std::string describe_address(const void* data) {
  Memory& m = memory();
  std::lock_guard lock(m.mutex);
  const auto* p = static_cast<const char*>(data);
  if (!in_device_range(p)) return fmt::format("{} (no memory of the device)", data);
  const auto below = find_below(m.allocations, p);
  const auto above = m.allocations.upper_bound(const_cast<char*>(p));
  const auto distance = [](const char* a, const char* b) { return static_cast<size_t>(a - b); };
  if (below != m.allocations.end()) {
    const size_t offset = distance(p, below->first), nbytes = below->second.nbytes;
    if (offset < nbytes) {
      return fmt::format("byte {} of an allocation of {} bytes", offset, nbytes);
    }
    if (above == m.allocations.end() || offset - nbytes <= distance(above->first, p)) {
      return fmt::format("{} bytes after the end of an allocation of {} bytes", offset - nbytes,
                         nbytes);
    }
  }
  if (above == m.allocations.end()) return "device memory where nothing is allocated";
  return fmt::format("{} bytes before an allocation of {} bytes", distance(above->first, p),
                     above->second.nbytes);
}

OpenMemory::OpenMemory() {
  Memory& m = memory();
  m.mutex.lock();
  if (m.open++ == 0) {
    for (const auto& [data, a] : m.allocations) protect(a, true);
  }
}

OpenMemory::~OpenMemory() {
  Memory& m = memory();
  if (--m.open == 0) {
    for (const auto& [data, a] : m.allocations) protect(a, false);
  }
  m.mutex.unlock();
}

}  // namespace iolaus::sim
