// Arguments and samples of sort.
#include "kernels/sort/sort.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

std::vector<Sort> samples(DType dtype) {
  std::vector<Sort> all;
  uint64_t seed = 1;
  for (const Dims& sizes : {Dims{1, 1}, {3, 31}, {2, 33}, {1, 1025}, {300, 2}, {0, 4}, {4, 0}}) {
    for (bool descending : {false, true}) {
      Sort s;
      s.descending = descending;
      s.compute = dtype;
      s.keep = {empty(sizes, {.dtype = dtype}), empty(sizes, {.dtype = kInt64}),
                sample_tensor(sizes, dtype, ++seed, -5, 5)};
      s.prepare();
      all.push_back(std::move(s));
    }
  }
  return all;
}

}  // namespace

Sort make_sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending) {
  IOLAUS_CHECK(x.dim() == 2 && values.sizes() == x.sizes() && indices.sizes() == x.sizes() &&
                   values.dtype() == x.dtype() && indices.dtype() == kInt64 &&
                   values.is_contiguous() && indices.is_contiguous() && x.is_contiguous(),
               "[sort] expected contiguous (rows, n) tensors, got {}, {} and {}", x.describe(),
               values.describe(), indices.describe());
  Sort s;
  s.rows = x.sizes()[0];
  s.n = x.sizes()[1];
  s.descending = descending;
  s.x = x.raw_data();
  s.values = values.raw_data();
  s.indices = indices.data<int64_t>();
  s.element = s.compute = x.dtype();
  s.target = x.device();
  return s;
}

std::string Sort::describe() const {
  return fmt::format("sort {} ({}, {}){} on {}", dtype_name(compute), rows, n,
                     descending ? " descending" : "", target.str());
}

Cost Sort::cost() const {
  const double elements = static_cast<double>(rows) * static_cast<double>(n);
  return {elements, elements * (2 * static_cast<double>(item_size(compute)) + 8)};
}

void Sort::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_sort(tensors[0], tensors[1], tensors[2], descending);
  compute = chosen;
  keep = std::move(tensors);
}

KernelSet<Sort>& sort_kernels() {
  static auto* set = new KernelSet<Sort>("sort", "sort", samples);
  return *set;
}

}  // namespace iolaus
