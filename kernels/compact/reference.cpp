// The truth for compact: the mask read once, without ends.
#include "kernels/compact/compact.h"

namespace iolaus {
namespace {

void run(const Compact& c) {
  int64_t count = 0;
  for (int64_t i = 0; i < c.mask.numel(); ++i) {
    if (c.mask.data<bool>()[i]) c.out.data<int64_t>()[count++] = i;
  }
}

const bool kRegistered = compact_kernels().add({"reference", kCPU, {kBool}, run});

}  // namespace
}  // namespace iolaus
