// The table of an allocator's counters.
#include "core/allocator/allocator_stats.h"

#include <fmt/core.h>

#include <algorithm>

namespace iolaus {

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

double AllocatorStats::fragmentation() const {
  const uint64_t unused = reserved - std::min(reserved, allocated + waiting);
  if (unused == 0) return 0;
  return 1 - static_cast<double>(largest_free) / static_cast<double>(unused);
}

std::string AllocatorStats::table() const {
  std::string text;
  const auto row = [&](const char* name, const std::string& value) {
    text += fmt::format("  {:<24}{:>14}\n", name, value);
  };
  row("in use", mebibytes(allocated));
  row("in use, asked for", mebibytes(requested));
  row("in use, peak", mebibytes(peak_allocated));
  row("reserved", mebibytes(reserved));
  row("reserved, peak", mebibytes(peak_reserved));
  row("reserved for graphs", mebibytes(reserved_pools));
  if (limit > 0) row("reserved at most", mebibytes(limit));
  row("waits for streams", mebibytes(waiting));
  row("free beside used blocks", mebibytes(inactive_split));
  row("largest free block", mebibytes(largest_free));
  row("fragmentation", fmt::format("{:.0f} %", 100 * fragmentation()));
  row("blocks in use", std::to_string(blocks_in_use));
  row("segments", std::to_string(segments));
  row("retries", std::to_string(retries));
  return text;
}

}  // namespace iolaus
