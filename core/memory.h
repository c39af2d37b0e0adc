// Questions and settings of device memory, in every build: torch.cuda.memory_stats and its kin.
// On a device without a caching allocator (the CPU) statistics are zero and settings kUnsupported.
#pragma once

#include <string>

#include "core/allocator/allocator_history.h"
#include "core/allocator/allocator_stats.h"
#include "core/device.h"

namespace iolaus {

AllocatorStats memory_stats(Device device);
/// The peaks start anew from what is in use.
void reset_peak_memory(Device device);
/// The program reserves at most this part of the device's memory, in (0, 1].
void set_memory_fraction(Device device, double fraction);
/// Records allocations from now on (or, with enabled = false, no more): for snapshots, and for the
/// call sites in an out-of-memory error.
void record_memory_history(Device device, const HistoryOptions& options = {});
/// Writes the memory of all CUDA devices, with what was recorded, for
/// https://pytorch.org/memory_viz. Errors: kIo, kDevice without CUDA.
void write_memory_snapshot(const std::string& path);

}  // namespace iolaus
