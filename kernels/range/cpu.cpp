// range on the CPU: elements spread over threads.
#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/copy/cast.h"
#include "kernels/elementwise/domain.h"
#include "kernels/range/range.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;

template <class T> void fill(T* out, const IntegerSteps& s, int64_t, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = Cast<T, int64_t>{}(s.start + i * s.step);
}
template <class T> void fill(T* out, const RealSteps& s, int64_t n, int64_t begin, int64_t end) {
  const int64_t turn = std::clamp(s.turn, begin, end);
  for (int64_t i = begin; i < turn; ++i) {
    out[i] = Cast<T, double>{}(s.start + s.step * static_cast<double>(i));
  }
  for (int64_t i = turn; i < end; ++i) {
    out[i] = Cast<T, double>{}(s.end - s.step * static_cast<double>(n - 1 - i));
  }
}

void run(const Range& r) {
  const int64_t n = r.out.numel();
  visit_dtype(AllTypes{}, "range", r.dtype(), [&]<class T>() {
    T* out = r.out.data<T>();
    parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
      simd::run([&] {
        r.integer ? fill(out, r.integers, n, begin, end) : fill(out, r.reals, n, begin, end);
      });
    });
  });
}

const bool kRegistered = range_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
