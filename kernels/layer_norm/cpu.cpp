// layer_norm on the CPU: rows over the threads, three passes over a row while it is in the cache.
// The parameters' gradients are summed in blocks of rows that depend on the shape only, then the
// blocks in order, so the result does not depend on the number of threads.
#include <cmath>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread

template <class T> T* data_of(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

template <class T> void forward(const LayerNorm& a) {
  using M = MathType<T>;
  const int64_t columns = a.columns;
  const Parameters<M> gamma(a.gamma, columns, M(1)), beta(a.beta, columns, M(0));
  const M *scale = gamma.data(), *shift = beta.data();
  const auto count = static_cast<M>(columns);
  const auto eps = static_cast<M>(a.eps);
  parallel_for(a.rows(), kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        const T* x = data_of<T>(a.x) + r * columns;
        T* out = data_of<T>(a.out) + r * columns;
        const M mean = sum_terms<M>(columns, [&](int64_t i) { return M(x[i]); }) / count;
        const M squares = sum_terms<M>(columns, [&](int64_t i) {
          const M d = M(x[i]) - mean;
          return d * d;
        });
        const M rstd = M(1) / std::sqrt(squares / count + eps);
        for (int64_t i = 0; i < columns; ++i) {
          out[i] = static_cast<T>((M(x[i]) - mean) * rstd * scale[i] + shift[i]);
        }
        data_of<M>(a.mean)[r] = mean;
        data_of<M>(a.rstd)[r] = rstd;
      }
    });
  });
}

template <class T>
inline void backward_row(const LayerNormBackward& a, int64_t r, const MathType<T>* scale) {
  using M = MathType<T>;
  const T* g = data_of<T>(a.g) + r * a.columns;
  const T* x = data_of<T>(a.x) + r * a.columns;
  T* dx = data_of<T>(a.dx) + r * a.columns;
  const M mean = data_of<M>(a.mean)[r], rstd = data_of<M>(a.rstd)[r];
  const auto count = static_cast<M>(a.columns);
  const M sum = sum_terms<M>(a.columns, [&](int64_t i) { return M(g[i]) * scale[i]; }) / count;
  const M dot =
      sum_terms<M>(a.columns,
                   [&](int64_t i) { return M(g[i]) * scale[i] * ((M(x[i]) - mean) * rstd); }) /
      count;
  for (int64_t i = 0; i < a.columns; ++i) {
    const M xhat = (M(x[i]) - mean) * rstd;
    dx[i] = static_cast<T>(rstd * (M(g[i]) * scale[i] - sum - xhat * dot));
  }
}

template <class T> void backward(const LayerNormBackward& a) {
  using M = MathType<T>;
  const int64_t columns = a.columns, rows = a.rows();
  const Parameters<M> gamma(a.gamma, columns, M(1));
  const M* scale = gamma.data();
  const bool wants_parameters = a.dgamma.defined() || a.dbeta.defined();
  const int64_t block = std::max<int64_t>(16, (rows + 63) / 64);
  const int64_t blocks = (rows + block - 1) / block;
  Scratch<M> sums(wants_parameters ? (blocks + 1) * 2 * columns : 0);
  std::fill_n(sums.data(), wants_parameters ? (blocks + 1) * 2 * columns : 0, M(0));
  parallel_for(blocks, kGrain / (columns * block) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin * block; r < std::min(end * block, rows); ++r) {
        if (a.dx.defined()) backward_row<T>(a, r, scale);
        if (!wants_parameters) continue;
        const T* g = data_of<T>(a.g) + r * columns;
        const T* x = data_of<T>(a.x) + r * columns;
        const M mean = data_of<M>(a.mean)[r], rstd = data_of<M>(a.rstd)[r];
        M* __restrict dgamma = sums.data() + r / block * 2 * columns;
        M* __restrict dbeta = dgamma + columns;
        for (int64_t i = 0; i < columns; ++i) {
          dgamma[i] += M(g[i]) * ((M(x[i]) - mean) * rstd);
          dbeta[i] += M(g[i]);
        }
      }
    });
  });
  if (!wants_parameters) return;
  M* total = sums.data() + blocks * 2 * columns;
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t i = 0; i < 2 * columns; ++i) total[i] += sums[b * 2 * columns + i];
  }
  store_values(total, columns, a.dgamma);
  store_values(total + columns, columns, a.dbeta);
}

void run_forward(const LayerNorm& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "layer_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const LayerNormBackward& a) {
  if (a.columns == 0) return;
  visit_dtype(FloatTypes{}, "layer_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = layer_norm_kernels().add({"cpu", kCPU, kFloats, run_forward, 1});
const bool kBackward = layer_norm_backward_kernels().add({"cpu", kCPU, kFloats, run_backward, 1});

}  // namespace
}  // namespace iolaus
