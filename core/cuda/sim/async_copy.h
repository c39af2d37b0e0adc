// cp.async on the simulated device: a copy from device to shared memory happens only at the wait
// that covers it, the latest moment that the instruction set allows; until then its destination
// reads as NaN. Called by kernels/ptx.h.
#pragma once

#include <cstddef>

#include "core/cuda/sim/diagnosis.h"

namespace iolaus::sim {

/// bytes is 4, 8 or 16, and what is beyond valid of them becomes zero. Both addresses are aligned
/// to bytes, to is shared memory.
void async_copy(void* to, const void* from, size_t bytes, size_t valid, Place place);
/// Ends a group of copies.
void async_copy_commit();
/// Waits until at most pending of the latest groups are under way.
void async_copy_wait(int pending);
void async_copy_wait_all();

}  // namespace iolaus::sim
