// bincount on the CPU: one pass over x.
#include "kernels/bincount/bincount.h"

namespace iolaus {
namespace {

void run(const Bincount& b) {
  const int64_t* x = b.x.data<int64_t>();
  int64_t* counts = b.counts.data<int64_t>();
  for (int64_t i = 0; i < b.x.numel(); ++i) ++counts[x[i]];
}

const bool kRegistered = bincount_kernels().add({"cpu", kCPU, {kInt64}, run, 1});

}  // namespace
}  // namespace iolaus
