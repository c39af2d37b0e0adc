// The truth for indexing: one element after the other, in double; integers in int64.
#include <cmath>
#include <map>

#include "kernels/elementwise/domain.h"
#include "kernels/indexing/indexing.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

// Calls fn(o, j, i, k) with the index k of every element, in order of j.
template <class Fn> void for_indices(const IndexShape& s, const Tensor& index, Fn&& fn) {
  const auto* data = static_cast<const int64_t*>(index.raw_data());
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t j = 0; j < s.count; ++j) {
      for (int64_t i = 0; i < s.inner; ++i) {
        fn(o, j, i, data[o * s.index_strides[0] + j * s.index_strides[1] + i * s.index_strides[2]]);
      }
    }
  }
}

void gather(const Gather& a) {
  const IndexShape s = index_shape(a);
  check_index(a.op, s, a.index);
  for_indices(s, a.index, [&](int64_t o, int64_t j, int64_t i, int64_t k) {
    const int64_t from = o * s.strides[0] + k * s.strides[1] + i * s.strides[2];
    const int64_t to = (o * s.count + j) * s.inner + i;
    if (is_floating(a.dtype())) {
      store_real(a.out.raw_data(), a.dtype(), to, load_real(a.x.raw_data(), a.dtype(), from));
    } else {
      store_integer(a.out.raw_data(), a.dtype(), to, load_integer(a.x.raw_data(), a.dtype(), from));
    }
  });
}

template <class N> N combine(ScatterReduce reduce, N a, N b) {
  switch (reduce) {
    case ScatterReduce::kAssign:
      return b;
    case ScatterReduce::kProd:
      return a * b;
    case ScatterReduce::kAmax:
      return a > b || a != a ? a : b;
    case ScatterReduce::kAmin:
      return a < b || a != a ? a : b;
    default:
      return a + b;
  }
}

// N: double or int64. What arrived at each place of out, then the mean where one is asked for.
template <class N, class Load, class Store>
void scatter_as(const Scatter& a, Load load, Store store) {
  const IndexShape s = index_shape(a);
  check_index(a.op, s, a.index);
  std::map<int64_t, int64_t> arrived;
  for_indices(s, a.index, [&](int64_t o, int64_t j, int64_t i, int64_t k) {
    const int64_t to = (o * s.bound + k) * s.inner + i;
    const N value = load(a.src, o * s.strides[0] + j * s.strides[1] + i * s.strides[2]);
    const bool first = arrived[to]++ == 0;
    store(to, first && !a.include_self ? value : combine<N>(a.reduce, load(a.out, to), value));
  });
  if (a.reduce != ScatterReduce::kMean) return;
  for (const auto& [to, count] : arrived) {
    const N divisor = static_cast<N>(count + (a.include_self ? 1 : 0));
    if constexpr (std::is_same_v<N, double>) {
      store(to, load(a.out, to) / divisor);
    } else {
      store(to, static_cast<N>(std::floor(static_cast<double>(load(a.out, to)) /
                                          static_cast<double>(divisor))));
    }
  }
}

void scatter(const Scatter& a) {
  const DType dtype = a.dtype();
  void* out = a.out.raw_data();
  if (is_floating(dtype)) {
    scatter_as<double>(
        a, [&](const Tensor& t, int64_t at) { return load_real(t.raw_data(), dtype, at); },
        [&](int64_t at, double value) { store_real(out, dtype, at, value); });
  } else {
    scatter_as<int64_t>(
        a, [&](const Tensor& t, int64_t at) { return load_integer(t.raw_data(), dtype, at); },
        [&](int64_t at, int64_t value) { store_integer(out, dtype, at, value); });
  }
}

const bool kGather = gather_kernels().add({"reference", kCPU, dtypes_of(AllTypes{}), gather});
const bool kScatter = scatter_kernels().add({"reference", kCPU, dtypes_of(AllTypes{}), scatter});

}  // namespace
}  // namespace iolaus
