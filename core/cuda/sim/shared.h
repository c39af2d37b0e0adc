// Shared memory of the block that runs: one arena, so that whether an address is shared is a
// comparison. Arrays are placed at no more than their declared alignment and with gaps, and filled
// with NaN when a block first uses them.
#pragma once

#include <cstddef>
#include <utility>

#include "core/cuda/sim/diagnosis.h"

namespace iolaus::sim {

inline constexpr size_t kMaxStaticShared = size_t{48} << 10;
inline constexpr size_t kMaxShared = size_t{227} << 10;  // static and dynamic, with permission

/// One SHARED_ARRAY of a kernel: a static object that finds the array of the block that runs.
class SharedArray {
 public:
  constexpr SharedArray(size_t nbytes, size_t alignment, const char* name)
      : nbytes_(nbytes), alignment_(alignment), name_(name) {}
  void* get();

 private:
  size_t nbytes_, alignment_;
  const char* name_;
  void* data_ = nullptr;
  unsigned long long block_ = 0;
};

/// The start of the launch's dynamic shared memory; where it has none, memory that faults.
void* dynamic_shared();
/// Whether an address is in the memory that stands for none.
bool is_no_shared_memory(const void* data);
bool is_shared_memory(const void* data, size_t nbytes = 1);
/// The whole arena, for the checker.
std::pair<const void*, size_t> shared_range();
/// A new block: no array is placed yet. limit: of static and dynamic shared memory together.
void begin_shared_block(size_t dynamic_bytes, size_t limit);

}  // namespace iolaus::sim
