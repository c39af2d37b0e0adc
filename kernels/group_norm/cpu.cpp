// group_norm on the CPU: groups over the threads, all passes over a group while it is in the cache.
// Backward keeps the sums of each channel of each image, which make both the group's means and, in
// order of the images, the gradients of gamma and beta: the same on any number of threads.
#include <cmath>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/group_norm/group_norm.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

template <class T> void forward(const GroupNorm& a) {
  using M = MathType<T>;
  const GroupShape s = group_shape(a.x, a.groups);
  const int64_t columns = s.columns, own = s.own;
  const Parameters<M> gamma(a.gamma, s.channels, M(1)), beta(a.beta, s.channels, M(0));
  parallel_for(s.rows, kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        const T* x = data_of<T>(a.x) + r * columns;
        T* out = data_of<T>(a.out) + r * columns;
        const auto count = static_cast<M>(columns);
        const M mean = sum_terms<M>(columns, [&](int64_t i) { return M(x[i]); }) / count;
        const M squares = sum_terms<M>(columns, [&](int64_t i) {
          const M d = M(x[i]) - mean;
          return d * d;
        });
        const M rstd = M(1) / std::sqrt(squares / count + static_cast<M>(a.eps));
        for (int64_t k = 0; k < own; ++k) {
          const int64_t c = r % s.groups * own + k;
          const M scale = rstd * gamma[c], shift = beta[c];
          const T* from = x + k * s.inner;
          T* to = out + k * s.inner;
#pragma GCC ivdep
          for (int64_t i = 0; i < s.inner; ++i) {
            to[i] = static_cast<T>((M(from[i]) - mean) * scale + shift);
          }
        }
        data_of<M>(a.mean)[r] = mean;
        data_of<M>(a.rstd)[r] = rstd;
      }
    });
  });
}

template <class T> void backward(const GroupNormBackward& a) {
  using M = MathType<T>;
  const GroupShape s = group_shape(a.x, a.groups);
  const int64_t columns = s.columns, own = s.own, planes = s.batch * s.channels;
  const Parameters<M> gamma(a.gamma, s.channels, M(1));
  Scratch<M> sums(2 * planes);  // (N, C): of g, and of g xhat
  M *plain = sums.data(), *dots = sums.data() + planes;
  parallel_for(s.rows, kGrain / columns + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t r = begin; r < end; ++r) {
        const T *g = data_of<T>(a.g) + r * columns, *x = data_of<T>(a.x) + r * columns;
        const M mean = data_of<M>(a.mean)[r], rstd = data_of<M>(a.rstd)[r];
        const auto count = static_cast<M>(columns);
        M sum = 0, dot = 0;
        for (int64_t k = 0; k < own; ++k) {
          const T *gs = g + k * s.inner, *xs = x + k * s.inner;
          const M scale = gamma[r % s.groups * own + k];
          plain[r * own + k] = sum_terms<M>(s.inner, [&](int64_t i) { return M(gs[i]); });
          dots[r * own + k] = sum_terms<M>(
              s.inner, [&](int64_t i) { return M(gs[i]) * ((M(xs[i]) - mean) * rstd); });
          sum += scale * plain[r * own + k];
          dot += scale * dots[r * own + k];
        }
        if (!a.dx.defined()) continue;
        sum /= count, dot /= count;
        for (int64_t k = 0; k < own; ++k) {
          const T *gs = g + k * s.inner, *xs = x + k * s.inner;
          const M scale = gamma[r % s.groups * own + k];
          T* dx = data_of<T>(a.dx) + r * columns + k * s.inner;
#pragma GCC ivdep
          for (int64_t i = 0; i < s.inner; ++i) {
            const M xhat = (M(xs[i]) - mean) * rstd;
            dx[i] = static_cast<T>(rstd * (M(gs[i]) * scale - sum - xhat * dot));
          }
        }
      }
    });
  });
  if (!a.dgamma.defined() && !a.dbeta.defined()) return;
  Scratch<double> totals(2 * s.channels);
  std::fill_n(totals.data(), 2 * s.channels, 0.0);
  for (int64_t p = 0; p < planes; ++p) {
    totals[p % s.channels] += static_cast<double>(dots[p]);
    totals[s.channels + p % s.channels] += static_cast<double>(plain[p]);
  }
  store_values(totals.data(), s.channels, a.dgamma);
  store_values(totals.data() + s.channels, s.channels, a.dbeta);
}

void run_forward(const GroupNorm& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "group_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const GroupNormBackward& a) {
  if (a.x.numel() == 0) {
    const Parameters<float> zeros({}, a.x.sizes()[1], 0);
    store_values(zeros.data(), a.x.sizes()[1], a.dgamma);
    store_values(zeros.data(), a.x.sizes()[1], a.dbeta);
    return;
  }
  visit_dtype(FloatTypes{}, "group_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const bool kForward =
    group_norm_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    group_norm_backward_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
