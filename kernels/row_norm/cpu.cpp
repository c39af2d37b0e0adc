// row_norm on the CPU: rows over the threads, all passes over a row while it is in the cache. The
// parameters' gradients are summed in blocks of rows that depend on the shape only, then the blocks
// in order, so the result does not depend on the number of threads.
#include <cmath>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/row_norm/row_norm.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread

template <class T> T* data_of(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

template <class T> struct ForwardRow {
  using M = MathType<T>;
  const T *x, *residual;  // residual, sum, beta may be null
  T *sum, *out;
  const M *scale, *shift;
  int64_t columns;
  M eps;

  template <bool centered> void run(M* mean_out, M* rstd_out) const {
    const T* s = x;
    if (residual != nullptr) {
#pragma GCC ivdep
      for (int64_t i = 0; i < columns; ++i) sum[i] = static_cast<T>(M(x[i]) + M(residual[i]));
      s = sum;
    }
    const auto count = static_cast<M>(columns);
    M mean = 0;
    if constexpr (centered) {
      mean = sum_terms<M>(columns, [&](int64_t i) { return M(s[i]); }) / count;
      *mean_out = mean;
    }
    const M squares = sum_terms<M>(columns, [&](int64_t i) {
      const M d = M(s[i]) - mean;
      return d * d;
    });
    const M rstd = M(1) / std::sqrt(squares / count + eps);
    *rstd_out = rstd;
#pragma GCC ivdep
    for (int64_t i = 0; i < columns; ++i) {
      out[i] = static_cast<T>((M(s[i]) - mean) * rstd * scale[i] + shift[i]);
    }
  }
};

template <class T> void forward(const RowNorm& a) {
  using M = MathType<T>;
  const int64_t columns = a.columns;
  const Parameters<M> gamma(a.gamma, columns, M(1)), beta(a.beta, columns, M(0));
  parallel_for(a.rows(), kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        const auto row = [&](const Tensor& t) {
          return t.defined() ? data_of<T>(t) + r * columns : nullptr;
        };
        const ForwardRow<T> one{row(a.x),     row(a.residual), row(a.sum), row(a.out),
                                gamma.data(), beta.data(),     columns,    static_cast<M>(a.eps)};
        M* rstd = data_of<M>(a.rstd) + r;
        if (a.centered()) {
          one.template run<true>(data_of<M>(a.mean) + r, rstd);
        } else {
          one.template run<false>(nullptr, rstd);
        }
      }
    });
  });
}

template <class T>
inline void backward_row(const RowNormBackward& a, int64_t r, const MathType<T>* scale) {
  using M = MathType<T>;
  const T* g = data_of<T>(a.g) + r * a.columns;
  const T* s = data_of<T>(a.s) + r * a.columns;
  const T* gs = a.gs.defined() ? data_of<T>(a.gs) + r * a.columns : nullptr;
  T* dx = data_of<T>(a.dx) + r * a.columns;
  const M mean = a.centered() ? data_of<M>(a.mean)[r] : M(0), rstd = data_of<M>(a.rstd)[r];
  const auto count = static_cast<M>(a.columns);
  const M pull =
      a.centered() ? sum_terms<M>(a.columns, [&](int64_t i) { return M(g[i]) * scale[i]; }) / count
                   : M(0);
  const M dot =
      sum_terms<M>(a.columns,
                   [&](int64_t i) { return M(g[i]) * scale[i] * ((M(s[i]) - mean) * rstd); }) /
      count;
#pragma GCC ivdep
  for (int64_t i = 0; i < a.columns; ++i) {
    const M xhat = (M(s[i]) - mean) * rstd;
    M value = rstd * (M(g[i]) * scale[i] - pull - xhat * dot);
    if (gs != nullptr) value += M(gs[i]);
    dx[i] = static_cast<T>(value);
  }
}

template <class T> void backward(const RowNormBackward& a) {
  using M = MathType<T>;
  const int64_t columns = a.columns, rows = a.rows();
  const Parameters<M> gamma(a.gamma, columns, M(1));
  const M* scale = gamma.data();
  const bool wants_parameters = a.dgamma.defined() || a.dbeta.defined();
  const int64_t block = std::max<int64_t>(16, (rows + 63) / 64);
  const int64_t blocks = (rows + block - 1) / block;
  const int64_t size = wants_parameters ? (blocks + 1) * 2 * columns : 0;
  Scratch<M> sums(size);
  std::fill_n(sums.data(), size, M(0));
  parallel_for(blocks, kGrain / (columns * block) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin * block; r < std::min(end * block, rows); ++r) {
        if (a.dx.defined()) backward_row<T>(a, r, scale);
        if (!wants_parameters) continue;
        const T* g = data_of<T>(a.g) + r * columns;
        const T* s = data_of<T>(a.s) + r * columns;
        const M mean = a.centered() ? data_of<M>(a.mean)[r] : M(0), rstd = data_of<M>(a.rstd)[r];
        M* __restrict dgamma = sums.data() + r / block * 2 * columns;
        M* __restrict dbeta = dgamma + columns;
        for (int64_t i = 0; i < columns; ++i) {
          dgamma[i] += M(g[i]) * ((M(s[i]) - mean) * rstd);
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

void run_forward(const RowNorm& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "row_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const RowNormBackward& a) {
  if (a.columns == 0) return;
  visit_dtype(FloatTypes{}, "row_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

bool add_all() {
  for (const RowNormKind kind : kRowNormKinds) {
    row_norm_kernels(kind).add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_forward, 1});
    row_norm_backward_kernels(kind).add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_backward, 1});
  }
  return true;
}
const bool kRegistered = add_all();

}  // namespace
}  // namespace iolaus
