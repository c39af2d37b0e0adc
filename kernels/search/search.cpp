// Samples of search.
#include "kernels/search/search.h"

#include <algorithm>

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Search> samples(DType dtype) {
  std::vector<Search> all;
  uint64_t seed = 1;
  for (bool right : {false, true}) {
    for (const Dims& shape : {Dims{1, 7, 33}, {3, 1, 5}, {1, 0, 4}, {2, 31, 0}}) {
      for (int64_t rows : {int64_t{1}, shape[0]}) {
        const Tensor edges = sample_tensor({rows, shape[1]}, dtype, ++seed, -4, 4);
        visit_dtype(AllTypes{}, "search", dtype, [&]<class T>() {
          for (int64_t r = 0; r < rows; ++r) {
            T* row = edges.data<T>() + r * shape[1];
            std::sort(row, row + shape[1]);
          }
        });
        all.push_back({edges, sample_tensor({shape[0], shape[2]}, dtype, ++seed, -5, 5),
                       empty({shape[0], shape[2]}, {.dtype = kInt64}), right});
      }
    }
  }
  return all;
}

}  // namespace

std::string Search::describe() const {
  return fmt::format("search of {} in {}{}", values.describe(), edges.describe(),
                     right ? ", right" : "");
}

Cost Search::cost() const {
  return {0, static_cast<double>(edges.nbytes() + values.nbytes() + out.nbytes())};
}

KernelSet<Search>& search_kernels() {
  static auto* set = new KernelSet<Search>("search", "search", samples);
  return *set;
}

}  // namespace iolaus
