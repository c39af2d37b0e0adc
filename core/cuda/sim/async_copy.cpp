// The copies of the thread that runs, in the order in which it issued them.
#include "core/cuda/sim/async_copy.h"

#include <cstdint>
#include <cstring>
#include <limits>

#include "core/cuda/sim/block.h"
#include "core/cuda/sim/checker.h"
#include "core/cuda/sim/shared.h"

namespace iolaus::sim {
namespace {

void finish_groups(int below) {
  std::erase_if(g_thread->copies, [&](const AsyncCopy& c) {
    if (c.group >= below) return false;
    const void* pc = __builtin_return_address(0);
    if (c.valid > 0) {
      checker::on_access(c.from, c.valid, false, pc);
      std::memcpy(c.to, c.from, c.valid);
    }
    checker::on_access(c.to, c.bytes, true, pc);
    std::memset(c.to + c.valid, 0, c.bytes - c.valid);
    return true;
  });
}

}  // namespace

void async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place) {
  const auto misaligned = [&](const void* p) {
    return reinterpret_cast<uintptr_t>(p) % bytes != 0;
  };
  if (misaligned(to) || (valid > 0 && misaligned(from))) {
    fail_thread(fmt::format("{}: {} bytes from {} to {} are misaligned", at("cp.async", place),
                            bytes, from, to));
  }
  if (!is_shared_memory(to, bytes)) {
    fail_thread(at("cp.async", place) + ": the destination is not in shared memory");
  }
  checker::on_access(to, bytes, true, __builtin_return_address(0));
  std::memset(to, 0xff, bytes);
  checker::on_pending(to, bytes);
  g_thread->copies.push_back(
      {static_cast<char*>(to), static_cast<const char*>(from), bytes, valid, g_thread->copy_group});
}

void async_copy_commit() { ++g_thread->copy_group; }
void async_copy_wait(int pending) { finish_groups(g_thread->copy_group - pending); }
void async_copy_wait_all() { finish_groups(std::numeric_limits<int>::max()); }

}  // namespace iolaus::sim
