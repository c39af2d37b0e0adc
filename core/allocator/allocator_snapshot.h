// A picture of an allocator's memory and history, and its form as the pickle that PyTorch's
// memory_viz page (https://pytorch.org/memory_viz) and torch/cuda/_memory_viz.py open.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/allocator/allocator_config.h"
#include "core/allocator/allocator_history.h"

namespace iolaus {

enum class BlockUse : uint8_t { kFree, kInUse, kWaiting };

struct BlockSnapshot {
  uint64_t address = 0, size = 0;
  uint64_t requested = 0;
  BlockUse use = BlockUse::kFree;
  CallSitePtr site;  // of the allocation, where history was on
};

/// A stretch of memory; of a segment that grows, one for each stretch without holes.
struct SegmentSnapshot {
  uint64_t address = 0, size = 0;
  StreamKey stream = nullptr;
  uint64_t pool = 0;  // 0, or the private pool's number
  bool is_small = false, is_growing = false;
  std::vector<BlockSnapshot> blocks;  // by address, without gaps
};

struct AllocatorSnapshot {
  std::vector<SegmentSnapshot> segments;  // by address
  std::vector<MemoryEvent> events;
  AllocatorConfig config;
};

/// The pickle of {"segments": ..., "device_traces": ..., "allocator_settings": ...}, with call
/// sites turned into names. Element i is device i.
std::string pickle_snapshot(const std::vector<AllocatorSnapshot>& devices);

}  // namespace iolaus
