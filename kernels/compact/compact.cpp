// Samples of compact.
#include "kernels/compact/compact.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Compact> samples(DType) {
  std::vector<Compact> all;
  for (int64_t n : {0, 1, 31, 33, 1000, 4096, 4097, 10000}) {
    const Tensor mask = sample_tensor({n}, kBool, static_cast<uint64_t>(n) + 3, 0, 2);
    const Tensor ends = empty({(n + kCompactPart - 1) / kCompactPart}, {.dtype = kInt64});
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
      count += mask.data<bool>()[i];
      ends.data<int64_t>()[i / kCompactPart] = count;
    }
    all.push_back({mask, ends, empty({count}, {.dtype = kInt64})});
  }
  return all;
}

}  // namespace

std::string Compact::describe() const { return "compact " + mask.describe(); }

Cost Compact::cost() const {
  return {0, static_cast<double>(mask.nbytes() + ends.nbytes() + out.nbytes())};
}

KernelSet<Compact>& compact_kernels() {
  static auto* set = new KernelSet<Compact>("compact", "compact", samples);
  return *set;
}

}  // namespace iolaus
