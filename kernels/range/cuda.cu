// range on CUDA: one thread an element. Both roundings of the product and the sum, as on the host.
#include "kernels/copy/cast.h"
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/range/range.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

template <class T>
__device__ __forceinline__ T value_at(const IntegerSteps& s, int64_t i, int64_t) {
  return Cast<T, int64_t>{}(s.start + i * s.step);
}
template <class T> __device__ __forceinline__ T value_at(const RealSteps& s, int64_t i, int64_t n) {
  const bool forward = i < s.turn;
  const auto steps = static_cast<double>(forward ? i : n - 1 - i);
  return Cast<T, double>{}(
      gpu::mul_then_add(forward ? s.step : -s.step, steps, forward ? s.start : s.end));
}

template <class T, class Steps>
__global__ void __launch_bounds__(kThreads) range_kernel(Steps steps, int64_t n, T* out) {
  for (int64_t i = gpu::global_thread(); i < n; i += gpu::global_threads()) {
    out[i] = value_at<T>(steps, i, n);
  }
}

void run(const Range& r) {
  const int64_t n = r.out.numel();
  if (n == 0) return;
  const cuda::OnDevice stream(r.device());
  visit_dtype(AllTypes{}, "range", r.dtype(), [&]<class T>() {
    const auto queue = [&](auto steps) {
      gpu::launch(range_kernel<T, decltype(steps)>, gpu::grid_for(n, kThreads), kThreads, 0, stream,
                  steps, n, r.out.data<T>());
    };
    r.integer ? queue(r.integers) : queue(r.reals);
  });
}

const bool kRegistered = range_kernels().add({"cuda", kCUDA, dtypes_of(AllTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
