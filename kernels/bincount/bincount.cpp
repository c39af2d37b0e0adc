// Samples of bincount.
#include "kernels/bincount/bincount.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Bincount> samples(DType) {
  std::vector<Bincount> all;
  uint64_t seed = 1;
  for (int64_t bins : {1, 5, 1000}) {
    for (int64_t n : {0, 1, 33, 3000}) {
      const Tensor x = sample_tensor({n}, kInt64, ++seed, 0, static_cast<double>(bins));
      all.push_back({x, sample_tensor({bins}, kInt64, ++seed, 0, 9)});
    }
  }
  return all;
}

}  // namespace

std::string Bincount::describe() const {
  return fmt::format("bincount of {} into {}", x.describe(), counts.describe());
}

Cost Bincount::cost() const { return {0, static_cast<double>(x.nbytes() + 2 * counts.nbytes())}; }

KernelSet<Bincount>& bincount_kernels() {
  static auto* set = new KernelSet<Bincount>("bincount", "bincount", samples);
  return *set;
}

}  // namespace iolaus
