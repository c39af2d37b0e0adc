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
    for (int64_t i = begin; i < end; ++i) {
      if (mask[i]) out[ends[i] - 1] = i;
    }
  });
}

const bool kRegistered = compact_kernels().add({"cpu", kCPU, {kBool}, run, 1});

}  // namespace
}  // namespace iolaus
