// Settings of the caching allocator, by PyTorch's names (PYTORCH_CUDA_ALLOC_CONF), read from the
// environment: IOLAUS_CUDA_ALLOC_CONF="max_split_size_mb:128,expandable_segments:False".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace iolaus {

struct AllocatorConfig {
  /// expandable_segments: one range of addresses per stream that grows page by page, so that no
  /// free piece is too small for want of a neighbour. Only where the device can; else no effect.
  bool growing_segments = true;
  /// max_split_size_mb: free blocks from this size on are not cut for smaller requests.
  size_t max_split_bytes = SIZE_MAX;
  /// garbage_collection_threshold: beyond this part of the limit (set_memory_fraction), unused
  /// segments are given back, the longest unused first, before new ones are made. 0: never.
  double gc_threshold = 0;
  /// roundup_power2_divisions: sizes are rounded up to this many steps per power of two, so that
  /// varying sizes reuse the same blocks. A power of two; 0 or 1: to 512 bytes.
  size_t roundup_divisions = 0;
  /// False (IOLAUS_NO_CUDA_MEMORY_CACHING=1): each allocation is the device's own, of exactly the
  /// size asked for, so that compute-sanitizer and the simulated device see every bound.
  bool caching = true;
};

/// "key:value,key:value". Errors: kConfig, for an unknown key with the nearest known one.
AllocatorConfig parse_allocator_config(std::string_view text);
/// From IOLAUS_CUDA_ALLOC_CONF and IOLAUS_NO_CUDA_MEMORY_CACHING. Errors: as above.
AllocatorConfig allocator_config_from_environment();
/// The settings in the form that parse_allocator_config reads.
std::string to_string(const AllocatorConfig& config);

}  // namespace iolaus
