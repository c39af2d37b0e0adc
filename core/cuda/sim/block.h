// The executor of a block of simulated threads. A thread runs until it waits (at a barrier or in a
// warp's collective) or returns; threads that never wait share one fiber, so that a kernel without
// barriers costs a function call a thread. Everything runs on one thread of the host, under the
// device's lock, in an order that options() choose; a run is repeatable.
#pragma once

#include <vector_types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/cuda/sim/diagnosis.h"

namespace iolaus::sim {

class Fiber;

/// A cp.async that was issued and not yet waited for (async_copy.h).
struct AsyncCopy {
  char* to;
  const char* from;
  size_t bytes, valid;  // what is beyond valid becomes zero
  int group;
};

struct SimThread {
  uint3 index{};
  unsigned linear = 0;  // in the block; its lane is linear % 32
  bool is_done = false;
  const char* waits_in = nullptr;  // null: it can run
  Place place{};
  unsigned mask = 0;              // of the collective it waits in
  const void* operand = nullptr;  // of the collective, and where its result goes
  void* result = nullptr;
  uint32_t block_epoch = 0, warp_epoch = 0;  // barriers passed, for the checker
  Fiber* fiber = nullptr;
  std::vector<AsyncCopy> copies;
  int copy_group = 0;
};

/// What threadIdx and the others read.
struct Indices {
  uint3 thread{}, block{};
  dim3 block_dim, grid_dim;
};
extern Indices g_indices;
/// The simulated thread that runs; null while the host runs.
extern SimThread* g_thread;

inline constexpr unsigned kWarpSize = 32;
inline unsigned lane() { return g_thread->linear % kWarpSize; }

/// "softmax_kernel, block (1, 0, 0), thread (3, 0, 0)"
std::string describe_current_thread();

struct Grid {
  const void* kernel = nullptr;  // the function, for messages
  dim3 grid, block;
  size_t shared_bytes = 0;  // dynamic
  std::shared_ptr<const void> arguments;
  size_t argument_bytes = 0;
  void (*body)(const void* arguments) = nullptr;  // what each thread runs
  size_t shared_limit = 0;  // of static and dynamic together; set by launch_kernel
};
/// Runs all blocks. False where a diagnosis ended it.
bool run_grid(const Grid& grid);

// ---- what waits; called by the intrinsics of device.h

enum class Vote { kNone, kCount, kAnd, kOr };
/// Barrier of the whole block, and a vote of its threads.
int block_barrier(Vote vote, bool predicate, const char* what, Place place);

/// Waits until all lanes of mask have come. True for the last one, which computes the results of
/// all and then calls warp_release; the others return when it has.
bool warp_arrive(unsigned mask, const char* what, Place place);
void warp_release(unsigned mask);
/// A __syncwarp of all lanes orders memory, for the checker.
void warp_fence(unsigned mask);
/// The thread of a lane of the calling thread's warp.
SimThread& warp_lane(unsigned lane);
/// Lanes of the calling thread's warp that have not returned.
unsigned live_lanes();

/// Lets other threads of the block run first (a fence, an atomic exchange).
void yield_thread();

}  // namespace iolaus::sim
