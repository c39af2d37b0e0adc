// Detection of the CPU's instruction sets.
#include "core/simd.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace iolaus::simd {
namespace {

Level detect() {
  Level best = Level::kBaseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Level::kAvx2;
  if (best == Level::kAvx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    best = Level::kAvx512;
  }
#endif
  if (const char* wanted = std::getenv("IOLAUS_SIMD")) {
    const std::string_view name = wanted;
    if (name == "baseline") best = Level::kBaseline;
    if (name == "avx2") best = std::min(best, Level::kAvx2);
  }
  return best;
}

}  // namespace

Level level() {
  static const Level detected = detect();
  return detected;
}

const char* level_name(Level level) {
  constexpr const char* kNames[] = {"baseline", "avx2", "avx512"};
  return kNames[static_cast<int>(level)];
}

}  // namespace iolaus::simd
