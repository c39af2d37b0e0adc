// The truth for range: element by element.
#include "kernels/elementwise/domain.h"
#include "kernels/range/range.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

void run(const Range& r) {
  const int64_t n = r.out.numel();
  for (int64_t i = 0; i < n; ++i) {
    if (r.integer) {
      store_integer(r.out.raw_data(), r.dtype(), i, r.integers.start + i * r.integers.step);
      continue;
    }
    const RealSteps& s = r.reals;
    const double value = i < s.turn ? s.start + s.step * static_cast<double>(i)
                                    : s.end - s.step * static_cast<double>(n - 1 - i);
    store_real(r.out.raw_data(), r.dtype(), i, value);
  }
}

const bool kRegistered = range_kernels().add({"reference", kCPU, dtypes_of(AllTypes{}), run});

}  // namespace
}  // namespace iolaus
