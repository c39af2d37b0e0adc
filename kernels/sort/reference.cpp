// The truth for sort: insertion of one element after the other.
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"
#include "kernels/sort/sort.h"

namespace iolaus {
namespace {

template <class Number, class Load>
void sort_row(const Sort& s, int64_t row, Load&& load,
              void (*store)(void*, DType, int64_t, Number)) {
  std::vector<std::pair<Number, int64_t>> sorted;
  for (int64_t j = 0; j < s.n; ++j) {
    const Number x = load(s.x, s.element, row * s.n + j);
    size_t at = sorted.size();
    while (at > 0 && sorts_before(x, sorted[at - 1].first, s.descending)) --at;
    sorted.insert(sorted.begin() + static_cast<std::ptrdiff_t>(at), {x, j});
  }
  for (int64_t j = 0; j < s.count; ++j) {
    const auto& [value, index] = sorted[static_cast<size_t>(s.first + j)];
    store(s.values, s.element, row * s.count + j, value);
    s.indices[row * s.count + j] = index;
  }
}

void run(const Sort& s) {
  for (int64_t row = 0; row < s.rows; ++row) {
    if (is_floating(s.element)) {
      sort_row<double>(s, row, load_real, store_real);
    } else {
      sort_row<int64_t>(s, row, load_integer, store_integer);
    }
  }
}

const bool kRegistered = sort_kernels().add({"reference", kCPU, dtypes_of(AllTypes{}), run});

}  // namespace
}  // namespace iolaus
