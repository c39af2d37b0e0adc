// Arguments and samples of sort.
#include "kernels/sort/sort.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Sort> samples(DType dtype) {
  std::vector<Sort> all;
  uint64_t seed = 1;
  struct Case {
    Dims sizes;
    int64_t first, count;
  };
  for (const auto& [sizes, first, count] : {Case{{1, 1}, 0, 1},
                                            {{3, 31}, 0, 31},
                                            {{2, 33}, 0, 33},
                                            {{1, 1025}, 0, 1025},
                                            {{2, 2500}, 0, 2500},
                                            {{1, 9000}, 0, 9000},
                                            {{300, 2}, 0, 2},
                                            {{0, 4}, 0, 4},
                                            {{4, 0}, 0, 0},
                                            {{3, 31}, 15, 1},
                                            {{2, 200}, 0, 3},
                                            {{2, 200}, 190, 10},
                                            {{2, 64}, 10, 20},
                                            {{2, 65}, 10, 20},
                                            {{1, 5000}, 2500, 1},
                                            {{1, 5000}, 0, 700},
                                            {{1, 5000}, 4990, 10},
                                            {{2, 33}, 3, 7}}) {
    for (bool descending : {false, true}) {
      Sort s;
      s.descending = descending;
      s.compute = dtype;
      s.first = first;
      const Dims part{sizes[0], count};
      s.keep = {empty(part, {.dtype = dtype}), empty(part, {.dtype = kInt64}),
                sample_tensor(sizes, dtype, ++seed, -5, 5)};
      s.prepare();
      all.push_back(std::move(s));
    }
  }
  return all;
}

}  // namespace

Sort make_sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending,
               int64_t first) {
  IOLAUS_CHECK(x.dim() == 2 && values.dim() == 2 && values.sizes()[0] == x.sizes()[0] &&
                   indices.sizes() == values.sizes() && values.dtype() == x.dtype() &&
                   indices.dtype() == kInt64 && values.is_contiguous() && indices.is_contiguous() &&
                   x.is_contiguous(),
               "[sort] expected contiguous (rows, n) tensors, got {}, {} and {}", x.describe(),
               values.describe(), indices.describe());
  IOLAUS_CHECK(first >= 0 && first <= x.sizes()[1] - values.sizes()[1],
               "[sort] expected columns of {}, got {} from {} on", x.describe(), values.sizes()[1],
               first);
  Sort s;
  s.rows = x.sizes()[0];
  s.n = x.sizes()[1];
  s.first = first;
  s.count = values.sizes()[1];
  s.descending = descending;
  s.x = x.raw_data();
  s.values = values.raw_data();
  s.indices = indices.data<int64_t>();
  s.element = s.compute = x.dtype();
  s.target = x.device();
  return s;
}

std::string Sort::describe() const {
  return fmt::format("sort {} ({}, {}) [{}, {}){} on {}", dtype_name(compute), rows, n, first,
                     first + count, descending ? " descending" : "", target.str());
}

Cost Sort::cost() const {
  const double elements = static_cast<double>(rows) * static_cast<double>(n);
  return {elements, elements * (2 * static_cast<double>(item_size(compute)) + 8)};
}

void Sort::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_sort(tensors[0], tensors[1], tensors[2], descending, first);
  compute = chosen;
  keep = std::move(tensors);
}

KernelSet<Sort>& sort_kernels() {
  static auto* set = new KernelSet<Sort>("sort", "sort", samples);
  return *set;
}

}  // namespace iolaus
