// The arena: dynamic memory first, then each array where the block first asks for it.
#include "core/cuda/sim/shared.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "core/cuda/sim/checker.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define IOLAUS_POISON(data, n) __asan_poison_memory_region(data, n)
#define IOLAUS_UNPOISON(data, n) __asan_unpoison_memory_region(data, n)
#else
#define IOLAUS_POISON(data, n) static_cast<void>(data)
#define IOLAUS_UNPOISON(data, n) static_cast<void>(data)
#endif

namespace iolaus::sim {
namespace {

constexpr size_t kArena = size_t{512} << 10, kGap = 64;
constexpr size_t kNothing = size_t{256} << 10;  // after it, and nobody may touch it

struct Arena {
  char* begin;
  size_t used = 0, static_bytes = 0, dynamic_bytes = 0, limit = 0;
  unsigned long long block = 0;
  Arena() {
    void* data = mmap(nullptr, kArena + kNothing, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    begin = static_cast<char*>(data);
    mprotect(begin + kArena, kNothing, PROT_NONE);
  }
  // A piece of exactly this alignment, not more.
  char* take(size_t nbytes, size_t alignment) {
    size_t offset = (used + kGap + alignment - 1) / alignment * alignment;
    if (alignment < 128 && offset % (2 * alignment) == 0) offset += alignment;
    if (offset + nbytes + kGap > kArena) fail_thread("shared memory is exhausted");
    used = offset + nbytes;
    char* data = begin + offset;
    IOLAUS_UNPOISON(data, nbytes);
    std::memset(data, 0xff, nbytes);
    checker::on_shared(data, nbytes);
    return data;
  }
};
Arena& arena() {
  static auto* one = new Arena;
  return *one;
}

}  // namespace

void begin_shared_block(size_t dynamic_bytes, size_t limit) {
  Arena& a = arena();
  IOLAUS_POISON(a.begin, kArena);
  checker::on_shared_reset();
  ++a.block;
  a.used = a.static_bytes = 0;
  a.dynamic_bytes = dynamic_bytes;
  a.limit = limit;
  if (dynamic_bytes > 0) a.take(dynamic_bytes, 1024);
}

void* SharedArray::get() {
  Arena& a = arena();
  if (block_ != a.block) {
    a.static_bytes += nbytes_;
    if (a.static_bytes > kMaxStaticShared || a.static_bytes + a.dynamic_bytes > a.limit) {
      fail_thread(
          fmt::format("SHARED_ARRAY {}: the block has {} bytes of static and {} of dynamic "
                      "shared memory; the limits are {} and {} in all{}",
                      name_, a.static_bytes, a.dynamic_bytes, kMaxStaticShared, a.limit,
                      a.limit < kMaxShared ? ", because the launch asked for no permission" : ""));
    }
    data_ = a.take(nbytes_, alignment_);
    block_ = a.block;
  }
  return data_;
}

void* dynamic_shared() {
  const Arena& a = arena();
  return a.begin + (a.dynamic_bytes == 0 ? kArena : 1024);
}

bool is_no_shared_memory(const void* data) {
  const char* p = static_cast<const char*>(data);
  return p >= arena().begin + kArena && p < arena().begin + kArena + kNothing;
}

std::pair<const void*, size_t> shared_range() { return {arena().begin, kArena}; }

bool is_shared_memory(const void* data, size_t nbytes) {
  const char* p = static_cast<const char*>(data);
  const Arena& a = arena();
  return p >= a.begin && nbytes <= kArena && p + nbytes <= a.begin + a.used;
}

}  // namespace iolaus::sim
