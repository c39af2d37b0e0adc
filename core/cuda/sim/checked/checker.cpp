// The memory checker. Kernels are compiled with -fsanitize=thread, whose calls before every read
// and write land here instead of in a sanitizer's library; a block's barriers order its accesses,
// which is all that a kernel has, so no vector clocks are needed. For every byte of device and
// shared memory a cell remembers whether it is allocated and written, the last write, and who has
// read since. See checker.h for what is found, README.md for what is not.
#include "core/cuda/sim/checker.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "core/cuda/sim/block.h"
#include "core/cuda/sim/fiber.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/shared.h"

extern "C" char __executable_start, _end;  // of the program's image, from the linker

namespace iolaus::sim::checker {
namespace {

// One access, or for reads the last of several.
struct Access {
  uint32_t block = 0;  // number of the block's run; 0: none
  uint16_t thread = 0, barrier = 0, warp = 0;
  uint8_t atomic = 0;
};
enum Readers : uint8_t { kOneThread, kOneWarp, kOneBlock, kManyBlocks };
struct Cell {
  Access write, read;
  uint8_t allocated = 0, written = 0, readers = kOneThread;
  uint32_t write_pc = 0, read_pc = 0;  // from the start of the program's image
};
uint32_t short_pc(const void* pc) {
  return static_cast<uint32_t>(static_cast<const char*>(pc) - &__executable_start);
}

// Cells for a range of addresses, zero (not allocated) until touched.
struct Region {
  uintptr_t begin = 0, end = 0;
  Cell* cells = nullptr;
  void reserve(uintptr_t from, size_t nbytes) {
    begin = from;
    end = from + nbytes;
    void* data = mmap(nullptr, nbytes * sizeof(Cell), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) {
      std::perror("[simulated device] checker");
      std::abort();
    }
    cells = static_cast<Cell*>(data);
  }
  bool has(uintptr_t a) const { return a - begin < end - begin; }
  Cell* cell(uintptr_t a) const { return cells + (a - begin); }
};

struct Checker {
  Region device, shared;
  uint32_t block = 0, first_of_launch = 1;
  std::string report;
  std::set<std::pair<const void*, const void*>> seen;
  std::vector<std::pair<uintptr_t, size_t>> shared_arrays;
  Range own[2]{};  // the kernel's arguments, the simulator's threads
};
Checker& checker() {
  static auto* one = new Checker;
  return *one;
}
// Plain copies of what each access needs first.
uintptr_t g_stack = 0, g_stack_size = 0;

void mark(const Region& r, const void* data, size_t n, bool allocated, bool written) {
  const auto from = reinterpret_cast<uintptr_t>(data);
  Cell* const end = r.cell(from) + n;
  for (Cell* cell = r.cell(from); cell < end; ++cell) {
    if (allocated) cell->allocated = 1;
    if (written) {
      cell->written = 1;
      cell->write = cell->read = {};
      cell->readers = kOneThread;
    }
  }
}

const Region* region_of(uintptr_t a) {
  Checker& c = checker();
  if (c.device.has(a)) return &c.device;
  return c.shared.has(a) ? &c.shared : nullptr;
}

constexpr size_t kMaxReports = 8;

void report(const char* kind, uintptr_t a, size_t n, bool is_write, const void* pc,
            const Access* other = nullptr, uint32_t other_at = 0) {
  Checker& c = checker();
  const void* other_pc = other == nullptr ? nullptr : &__executable_start + other_at;
  if (c.seen.size() >= kMaxReports || !c.seen.insert({pc, other_pc}).second) return;
  const bool is_shared = c.shared.has(a), is_device = c.device.has(a);
  std::string text =
      fmt::format("{}: block ({}, {}, {}), thread ({}, {}, {}) {} {} bytes of {} memory at {}",
                  kind, g_indices.block.x, g_indices.block.y, g_indices.block.z, g_thread->index.x,
                  g_thread->index.y, g_thread->index.z, is_write ? "writes" : "reads", n,
                  is_shared ? "shared" : (is_device ? "device" : "the host's"), source_line(pc));
  if (is_device) text += fmt::format(" ({})", describe_address(reinterpret_cast<void*>(a)));
  if (other != nullptr) {
    text += fmt::format("; not ordered after thread {} of {} block at {}", other->thread,
                        other->block == c.block ? "the same" : "another", source_line(other_pc));
  }
  c.report += (c.report.empty() ? "" : "\n  ") + text;
}

// Whether nothing orders an earlier access of this launch before the calling thread's.
bool is_unordered(const Access& old, const Access& now) {
  if (old.block == 0 || old.block < checker().first_of_launch) return false;
  if (old.block != now.block) return true;
  if (old.thread == now.thread || old.barrier != now.barrier) return false;
  return old.thread / kWarpSize != now.thread / kWarpSize || old.warp == now.warp;
}

// The same for a cell's readers, of whom only the last is known in person.
bool readers_unordered(const Cell& cell, const Access& now) {
  const Access& last = cell.read;
  if (cell.readers == kOneThread) return is_unordered(last, now);
  if (last.block == 0 || last.block < checker().first_of_launch) return false;
  if (cell.readers == kManyBlocks || last.block != now.block) return true;
  if (last.barrier != now.barrier) return false;
  return cell.readers == kOneBlock || last.thread / kWarpSize != now.thread / kWarpSize ||
         last.warp == now.warp;
}

void add_reader(Cell& cell, const Access& now) {
  const Access& last = cell.read;
  Readers readers = kOneThread;
  if (last.block >= checker().first_of_launch) {
    if (last.block != now.block || cell.readers == kManyBlocks) {
      readers = kManyBlocks;
    } else if (last.barrier == now.barrier) {
      if (cell.readers == kOneBlock || last.thread / kWarpSize != now.thread / kWarpSize) {
        readers = kOneBlock;
      } else if (last.warp == now.warp) {
        readers = cell.readers == kOneWarp || last.thread != now.thread ? kOneWarp : kOneThread;
      }
    }
  }
  cell.readers = readers;
  cell.read = now;
}

void check_cell(Cell& cell, uintptr_t a, size_t n, bool is_write, const Access& now,
                const void* pc) {
  const bool both_atomic = now.atomic != 0 && cell.write.atomic != 0;
  if (!is_write && cell.written == 0) {
    report("uninitialised read", a, n, false, pc);
    cell.written = 1;
  }
  if (!both_atomic && is_unordered(cell.write, now)) {
    report("data race", a, n, is_write, pc, &cell.write, cell.write_pc);
  }
  if (!is_write) {
    add_reader(cell, now);
    cell.read_pc = short_pc(pc);
    return;
  }
  const bool atomics = now.atomic != 0 && cell.read.atomic != 0;
  if (!atomics && readers_unordered(cell, now)) {
    report("data race", a, n, true, pc, &cell.read, cell.read_pc);
  }
  cell.written = 1;
  cell.write = now;
  cell.write_pc = short_pc(pc);
}

// Memory that is the host's: a kernel may touch its arguments, constants, pinned memory and (in a
// warp's collective) the stacks of other lanes.
void check_host(const void* data, size_t n, bool is_write, const void* pc) {
  const auto a = reinterpret_cast<uintptr_t>(data);
  for (const Range& own : checker().own) {
    if (a - reinterpret_cast<uintptr_t>(own.begin) < own.nbytes) return;
  }
  if (data >= &__executable_start && data < &_end) return;
  if (Fiber::is_stack(data) || is_pinned_memory(data, n)) return;
  report("host memory", a, n, is_write, pc);
}

void check(const void* data, size_t n, bool is_write, bool is_atomic, bool aligned,
           const void* pc) {
  const SimThread* thread = g_thread;
  if (thread == nullptr || n == 0) return;
  const auto a = reinterpret_cast<uintptr_t>(data);
  if (a - g_stack < g_stack_size) return;
  const Region* region = region_of(a);
  if (region == nullptr) return check_host(data, n, is_write, pc);
  if (aligned && a % n != 0) report("misaligned", a, n, is_write, pc);
  const Access now{checker().block, static_cast<uint16_t>(thread->linear),
                   static_cast<uint16_t>(thread->block_epoch),
                   static_cast<uint16_t>(thread->warp_epoch), is_atomic};
  Cell* const cells = region->cell(a);
  for (size_t i = 0; i < n; ++i) {
    if (cells[i].allocated == 0) {
      report("out of bounds", a, n, is_write, pc);
      if (is_write) throw KernelFault{};
      return;
    }
    check_cell(cells[i], a, n, is_write, now, pc);
  }
}

// What -fsanitize=bounds tells of an index: the layouts are the compiler's.
struct SourcePlace {
  const char* file;
  uint32_t line, column;
};
struct TypeName {
  uint16_t kind, info;
  char name[1];  // and more, up to a zero
};
struct BadIndex {
  SourcePlace place;
  const TypeName *array, *index;
};
void report_index(const BadIndex& bad, uintptr_t index) {
  const std::string text = fmt::format("index {} of {} at {}:{}", static_cast<intptr_t>(index),
                                       bad.array->name, bad.place.file, bad.place.line);
  if (g_thread == nullptr) {
    std::fprintf(stderr, "[simulated device] out of bounds: %s\n", text.c_str());
    std::abort();
  }
  // Not by an exception: the compiler takes this call for one that cannot throw.
  end_by_fault("out of bounds: " + text);
}

std::string take() {
  Checker& c = checker();
  c.seen.clear();
  return std::exchange(c.report, {});
}

const bool kRegistered = [] {
  g_hooks.allocate = [](const void* data, size_t n) {
    Region& r = checker().device;
    if (r.cells == nullptr) {
      const auto [begin, nbytes] = device_range();
      r.reserve(reinterpret_cast<uintptr_t>(begin), nbytes);
    }
    mark(r, data, n, true, false);
  };
  g_hooks.free = [](const void* data, size_t n) {
    const Region& r = checker().device;
    const auto from = reinterpret_cast<uintptr_t>(data);
    std::memset(static_cast<void*>(r.cell(from)), 0, n * sizeof(Cell));
  };
  g_hooks.write = [](const void* data, size_t n) {
    if (in_device_range(data)) mark(checker().device, data, n, false, true);
  };
  g_hooks.access = [](const void* data, size_t n, bool is_write, const void* pc) {
    check(data, n, is_write, false, false, pc);
  };
  g_hooks.pending = [](const void* data, size_t n) {
    const auto from = reinterpret_cast<uintptr_t>(data);
    const Region* r = region_of(from);
    for (uintptr_t a = from; r != nullptr && a < from + n; ++a) r->cell(a)->written = 0;
  };
  g_hooks.launch = [](Range arguments, Range threads) {
    checker().first_of_launch = checker().block + 1;
    checker().own[0] = arguments;
    checker().own[1] = threads;
  };
  g_hooks.block = [] { ++checker().block; };
  g_hooks.shared = [](const void* data, size_t n) {
    Checker& c = checker();
    mark(c.shared, data, n, true, false);
    c.shared_arrays.push_back({reinterpret_cast<uintptr_t>(data), n});
  };
  g_hooks.shared_reset = [] {
    Checker& c = checker();
    if (c.shared.cells == nullptr) {
      const auto [begin, nbytes] = shared_range();
      c.shared.reserve(reinterpret_cast<uintptr_t>(begin), nbytes);
    }
    for (const auto& [from, n] : c.shared_arrays) {
      std::memset(static_cast<void*>(c.shared.cell(from)), 0, n * sizeof(Cell));
    }
    c.shared_arrays.clear();
  };
  g_hooks.switch_to = [](const void* stack, size_t n) {
    g_stack = reinterpret_cast<uintptr_t>(stack);
    g_stack_size = n;
  };
  g_hooks.take_report = take;
  return true;
}();

}  // namespace
}  // namespace iolaus::sim::checker

// ---- what -fsanitize=thread,bounds calls. The names are the compiler's.

using iolaus::sim::checker::BadIndex;
using iolaus::sim::checker::check;
using iolaus::sim::checker::report_index;
#define IOLAUS_CALLER __builtin_return_address(0)

extern "C" {
void __ubsan_handle_out_of_bounds(BadIndex* bad, uintptr_t index) { report_index(*bad, index); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

#define IOLAUS_ACCESS(n)                                                                      \
  void __tsan_read##n(void* p) { check(p, n, false, false, true, IOLAUS_CALLER); }            \
  void __tsan_write##n(void* p) { check(p, n, true, false, true, IOLAUS_CALLER); }            \
  void __tsan_unaligned_read##n(void* p) { check(p, n, false, false, false, IOLAUS_CALLER); } \
  void __tsan_unaligned_write##n(void* p) { check(p, n, true, false, false, IOLAUS_CALLER); } \
  void __tsan_volatile_read##n(void* p) { check(p, n, false, false, true, IOLAUS_CALLER); }   \
  void __tsan_volatile_write##n(void* p) { check(p, n, true, false, true, IOLAUS_CALLER); }   \
  void __tsan_unaligned_volatile_read##n(void* p) {                                           \
    check(p, n, false, false, false, IOLAUS_CALLER);                                          \
  }                                                                                           \
  void __tsan_unaligned_volatile_write##n(void* p) {                                          \
    check(p, n, true, false, false, IOLAUS_CALLER);                                           \
  }
IOLAUS_ACCESS(1)
IOLAUS_ACCESS(2)
IOLAUS_ACCESS(4)
IOLAUS_ACCESS(8)
IOLAUS_ACCESS(16)

void __tsan_read_range(void* p, size_t n) { check(p, n, false, false, false, IOLAUS_CALLER); }
void __tsan_write_range(void* p, size_t n) { check(p, n, true, false, false, IOLAUS_CALLER); }
void* __tsan_memcpy(void* to, const void* from, size_t n) {
  check(from, n, false, false, false, IOLAUS_CALLER);
  check(to, n, true, false, false, IOLAUS_CALLER);
  return std::memcpy(to, from, n);
}
void* __tsan_memmove(void* to, const void* from, size_t n) {
  check(from, n, false, false, false, IOLAUS_CALLER);
  check(to, n, true, false, false, IOLAUS_CALLER);
  return std::memmove(to, from, n);
}
void* __tsan_memset(void* to, int value, size_t n) {
  check(to, n, true, false, false, IOLAUS_CALLER);
  return std::memset(to, value, n);
}

#define IOLAUS_ATOMIC(bits, T)                                                                \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                    \
    check(const_cast<const T*>(p), bits / 8, false, true, true, IOLAUS_CALLER);               \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                              \
  }                                                                                           \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int) {                             \
    check(const_cast<const T*>(p), bits / 8, true, true, true, IOLAUS_CALLER);                \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                             \
  }                                                                                           \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T value, int) {                            \
    check(const_cast<const T*>(p), bits / 8, true, true, true, IOLAUS_CALLER);                \
    return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);                                    \
  }                                                                                           \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T value, int) {                            \
    check(const_cast<const T*>(p), bits / 8, true, true, true, IOLAUS_CALLER);                \
    return __atomic_fetch_sub(p, value, __ATOMIC_SEQ_CST);                                    \
  }                                                                                           \
  T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) {                             \
    check(const_cast<const T*>(p), bits / 8, true, true, true, IOLAUS_CALLER);                \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);                                   \
  }                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T value, int, \
                                                    int) {                                    \
    check(const_cast<const T*>(p), bits / 8, true, true, true, IOLAUS_CALLER);                \
    return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST,           \
                                       __ATOMIC_SEQ_CST);                                     \
  }                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T value, int a, \
                                                  int b) {                                    \
    return __tsan_atomic##bits##_compare_exchange_strong(p, expected, value, a, b);           \
  }
IOLAUS_ATOMIC(8, uint8_t)
IOLAUS_ATOMIC(16, uint16_t)
IOLAUS_ATOMIC(32, uint32_t)
IOLAUS_ATOMIC(64, uint64_t)
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}
}
