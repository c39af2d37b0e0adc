// Samples of coordinates.
#include "kernels/coordinates/coordinates.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Coordinates> samples(DType) {
  std::vector<Coordinates> all;
  uint64_t seed = 1;
  for (const Dims& sizes : {Dims{7}, {5, 9}, {1, 1}, {3, 1, 40}, {2, 3, 5, 7}}) {
    double count = 1;
    for (int d = 0; d < sizes.rank(); ++d) count *= static_cast<double>(sizes[d]);
    for (int64_t n : {0, 1, 33, 1000}) {
      const Tensor places = sample_tensor({n}, kInt64, ++seed, 0, count);
      const Tensor out = empty({n, sizes.rank()}, {.dtype = kInt64});
      all.push_back({places, out, sizes});
      if (n < 33) continue;  // and in order, as nonzero gives them
      const Tensor ordered = sample_tensor({n}, kInt64, seed, 0, count);
      std::sort(ordered.data<int64_t>(), ordered.data<int64_t>() + n);
      all.push_back({ordered, empty({n, sizes.rank()}, {.dtype = kInt64}), sizes});
    }
  }
  return all;
}

}  // namespace

std::string Coordinates::describe() const {
  return fmt::format("coordinates in {} of {}", sizes.str(), places.describe());
}

Cost Coordinates::cost() const { return {0, static_cast<double>(places.nbytes() + out.nbytes())}; }

KernelSet<Coordinates>& coordinates_kernels() {
  static auto* set = new KernelSet<Coordinates>("coordinates", "coordinates", samples);
  return *set;
}

}  // namespace iolaus
