// bias_gelu on the CPU: rows over the threads, each a vectorised loop. The bias's gradient is
// summed in blocks of rows that depend on the shape only, then the blocks in order, so the result
// does not depend on the number of threads.
#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/bias_gelu/bias_gelu.h"
#include "kernels/bias_gelu/gelu.h"
#include "kernels/elementwise/domain.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

template <bool approximate, class T> void forward(const BiasGelu& a) {
  using M = MathType<T>;
  const int64_t columns = a.bias.numel();
  const Parameters<M> parameters(a.bias, columns, M(0));
  const M* bias = parameters.data();
  parallel_for(a.x.numel() / columns, kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        const T* x = data_of<T>(a.x) + r * columns;
        T* out = data_of<T>(a.out) + r * columns;
#pragma GCC ivdep
        for (int64_t i = 0; i < columns; ++i) {
          out[i] = static_cast<T>(ops::gelu_value<M>(approximate, M(x[i]) + bias[i]));
        }
      }
    });
  });
}

template <bool approximate, class T> void backward(const BiasGeluBackward& a) {
  using M = MathType<T>;
  const int64_t columns = a.bias.numel(), rows = a.x.numel() / columns;
  const Parameters<M> parameters(a.bias, columns, M(0));
  const M* bias = parameters.data();
  const int64_t block = std::max<int64_t>(16, (rows + 63) / 64);
  const int64_t blocks = (rows + block - 1) / block;
  Scratch<M> sums((blocks + 1) * columns);
  std::fill_n(sums.data(), (blocks + 1) * columns, M(0));
  parallel_for(blocks, kGrain / (columns * block) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin * block; r < std::min(end * block, rows); ++r) {
        const T* g = data_of<T>(a.g) + r * columns;
        const T* x = data_of<T>(a.x) + r * columns;
        T* dx = data_of<T>(a.dx) + r * columns;
        M* sum = sums.data() + r / block * columns;
#pragma GCC ivdep
        for (int64_t i = 0; i < columns; ++i) {
          const M value = ops::gelu_gradient<M>(approximate, M(g[i]), M(x[i]) + bias[i]);
          dx[i] = static_cast<T>(value);
          sum[i] += value;
        }
      }
    });
  });
  if (!a.dbias.defined()) return;
  M* total = sums.data() + blocks * columns;
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t i = 0; i < columns; ++i) total[i] += sums[b * columns + i];
  }
  store_values(total, columns, a.dbias);
}

void run_forward(const BiasGelu& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "bias_gelu", a.dtype(),
              [&]<class T>() { a.approximate ? forward<true, T>(a) : forward<false, T>(a); });
}
void run_backward(const BiasGeluBackward& a) {
  if (a.bias.numel() == 0) return;
  visit_dtype(FloatTypes{}, "bias_gelu", a.dtype(),
              [&]<class T>() { a.approximate ? backward<true, T>(a) : backward<false, T>(a); });
}

const bool kForward =
    bias_gelu_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    bias_gelu_backward_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
