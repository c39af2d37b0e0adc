// compact on the CPU: each thread writes where its part of the mask says.
#include "core/parallel.h"
#include "kernels/compact/compact.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 32768;  // elements that are worth a thread

void run(const Compact& c) {
  const bool* mask = c.mask.data<bool>();
  const int64_t* ends = c.ends.data<int64_t>();
  int64_t* out = c.out.data<int64_t>();
  parallel_for(c.mask.numel(), kGrain, [&](int64_t begin, int64_t end) {
    // Each place is written until one is true, so that no branch depends on the mask.
    const int64_t last = ends[end - 1];
    int64_t at = ends[begin] - (mask[begin] ? 1 : 0);
    for (int64_t i = begin; i < end && at < last; ++i) {
      out[at] = i;
      at += mask[i] ? 1 : 0;
    }
  });
}

const bool kRegistered = compact_kernels().add({"cpu", kCPU, {kBool}, run, 1});

}  // namespace
}  // namespace iolaus
