// The truth for coordinates: the dimensions' strides, largest first, taken out of each place.
#include "kernels/coordinates/coordinates.h"

namespace iolaus {
namespace {

void run(const Coordinates& c) {
  const int rank = c.sizes.rank();
  for (int64_t i = 0; i < c.places.numel(); ++i) {
    int64_t place = c.places.data<int64_t>()[i];
    for (int d = 0; d < rank; ++d) {
      int64_t stride = 1;
      for (int inner = d + 1; inner < rank; ++inner) stride *= c.sizes[inner];
      int64_t& index = c.out.data<int64_t>()[i * rank + d];
      for (index = 0; place >= stride; place -= stride) ++index;
    }
  }
}

const bool kRegistered = coordinates_kernels().add({"reference", kCPU, {kInt64}, run});

}  // namespace
}  // namespace iolaus
