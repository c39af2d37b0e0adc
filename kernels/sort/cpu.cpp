// sort on the CPU: pairs of key and index through std::sort, with the index as the last word, which
// makes it stable; rows spread over threads.
#include <algorithm>

#include "core/parallel.h"
#include "kernels/elementwise/domain.h"
#include "kernels/scratch.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread

template <class T> struct Item {
  MathType<T> key;
  int32_t index;
};

template <class T> void sort_row(const Sort& s, int64_t row, Item<T>* items) {
  const T* x = static_cast<const T*>(s.x) + row * s.n;
  T* values = static_cast<T*>(s.values) + row * s.n;
  for (int64_t j = 0; j < s.n; ++j) {
    items[j] = {static_cast<MathType<T>>(x[j]), static_cast<int32_t>(j)};
  }
  const auto by = [&](bool descending) {
    std::sort(items, items + s.n, [descending](const Item<T>& a, const Item<T>& b) {
      if (sorts_before(a.key, b.key, descending)) return true;
      return !sorts_before(b.key, a.key, descending) && a.index < b.index;
    });
  };
  s.descending ? by(true) : by(false);
  for (int64_t j = 0; j < s.n; ++j) {
    values[j] = x[items[j].index];
    s.indices[row * s.n + j] = items[j].index;
  }
}

void run(const Sort& s) {
  if (s.n == 0) return;
  visit_dtype(AllTypes{}, "sort", s.element, [&]<class T>() {
    parallel_for(s.rows, std::max<int64_t>(1, kGrain / s.n), [&](int64_t begin, int64_t end) {
      const Scratch<Item<T>> items(s.n);
      for (int64_t row = begin; row < end; ++row) sort_row<T>(s, row, items.data());
    });
  });
}

const char* why_not(const Sort& s) {
  return s.n > INT32_MAX ? "rows of more than 2^31 elements" : nullptr;
}

const bool kRegistered = sort_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1, why_not});

}  // namespace
}  // namespace iolaus
