// Counters of a caching allocator, and how they are shown.
#pragma once

#include <cstdint>
#include <string>

namespace iolaus {

struct AllocatorStats {
  uint64_t allocated = 0;       // bytes in blocks that are in use
  uint64_t requested = 0;       // of these, bytes that were asked for
  uint64_t reserved = 0;        // bytes of device memory
  uint64_t reserved_pools = 0;  // of these, in private pools of graphs
  uint64_t peak_allocated = 0;  // since the start or reset_peaks()
  uint64_t peak_requested = 0;
  uint64_t peak_reserved = 0;
  uint64_t waiting = 0;  // bytes freed, but another stream may still use them
  uint64_t inactive_split =
      0;                      // free bytes beside blocks in use, which empty_cache() cannot return
  uint64_t largest_free = 0;  // the largest free block
  uint64_t segments = 0;
  uint64_t blocks_in_use = 0;
  uint64_t allocations = 0;       // calls
  uint64_t segment_requests = 0;  // calls of the device for memory
  uint64_t retries = 0;           // allocations that emptied the cache first
  uint64_t out_of_memory = 0;
  uint64_t limit = 0;  // bytes that may be reserved (set_fraction); 0: no limit
  /// Part of the unused reserved bytes that the largest free block cannot serve, 0 to 1.
  double fragmentation() const;
  /// The table that an out-of-memory error shows.
  std::string table() const;
};

/// "12.3 MiB".
std::string mebibytes(uint64_t bytes);

}  // namespace iolaus
