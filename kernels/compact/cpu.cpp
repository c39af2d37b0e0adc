// compact on the CPU: each thread writes where its part of the mask says.
#include "core/parallel.h"
#include "kernels/compact/compact.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 8;  // parts that are worth a thread

void run(const Compact& c) {
  const bool* mask = c.mask.data<bool>();
  const int64_t* ends = c.ends.data<int64_t>();
  int64_t* out = c.out.data<int64_t>();
  parallel_for(c.ends.numel(), kGrain, [&](int64_t first, int64_t last) {
    // Each place is written until one is true, so that no branch depends on the mask.
    const int64_t end = std::min(c.mask.numel(), last * kCompactPart), all = ends[last - 1];
    int64_t at = first == 0 ? 0 : ends[first - 1];
    for (int64_t i = first * kCompactPart; i < end && at < all; ++i) {
      out[at] = i;
      at += mask[i] ? 1 : 0;
    }
  });
}

const bool kRegistered = compact_kernels().add({"cpu", kCPU, {kBool}, run, 1});

}  // namespace
}  // namespace iolaus
