// coordinates on the CPU: places mostly follow each other, so that most lie in the row of the one
// before and need no division.
#include "core/parallel.h"
#include "kernels/coordinates/coordinates.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // places that are worth a thread

// rank: a compile-time fact of the common case.
template <int rank> void rows(const Coordinates& c, int64_t begin, int64_t end) {
  const int dims = rank > 0 ? rank : c.sizes.rank();
  const int64_t columns = c.sizes[dims - 1];
  const int64_t* places = c.places.data<int64_t>();
  int64_t* out = c.out.data<int64_t>();
  int64_t row = -1, row_begin = 0, outer[kMaxRank] = {};
  for (int64_t i = begin; i < end; ++i) {
    const int64_t place = places[i];
    if (row < 0 || place < row_begin || place >= row_begin + columns) {
      row = place / columns;
      row_begin = row * columns;
      int64_t rest = row;
      for (int d = dims - 2; d > 0; --d) {
        outer[d] = rest % c.sizes[d];
        rest /= c.sizes[d];
      }
      outer[0] = rest;
    }
    for (int d = 0; d < dims - 1; ++d) out[i * dims + d] = outer[d];
    out[i * dims + dims - 1] = place - row_begin;
  }
}

void run(const Coordinates& c) {
  parallel_for(c.places.numel(), kGrain, [&](int64_t begin, int64_t end) {
    c.sizes.rank() == 2 ? rows<2>(c, begin, end) : rows<0>(c, begin, end);
  });
}

const bool kRegistered = coordinates_kernels().add({"cpu", kCPU, {kInt64}, run, 1});

}  // namespace
}  // namespace iolaus
