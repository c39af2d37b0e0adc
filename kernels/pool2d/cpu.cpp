// Pooling on the CPU: planes over the threads. Each output row is built tap by tap over whole rows,
// so that the inner loops are plain vector loops; 16-bit types are computed in float.
#include <cstring>
#include <limits>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/pool2d/pool2d.h"
#include "kernels/scratch.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 16384;  // elements that are worth a thread

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

// Calls fn(plane) for all planes, over the threads, compiled for this CPU.
template <class Fn> void for_planes(const PoolShape& s, Fn&& fn) {
  const int64_t size = s.in_height * s.in_width + s.out_height * s.out_width;
  parallel_for(s.planes, kGrain / std::max<int64_t>(size, 1) + 1, [&](int64_t begin, int64_t end) {
    simd::run([&] {
      for (int64_t p = begin; p < end; ++p) fn(p);
    });
  });
}

// First output whose tap at `shift` (elements from the window's start, which may be in the padding)
// is at or beyond position `at`.
int64_t first_output(int64_t at, int64_t shift, int64_t stride, int64_t outputs) {
  const int64_t distance = at - shift;
  return std::min(outputs, distance <= 0 ? 0 : (distance + stride - 1) / stride);
}

// One tap for outputs [w0, w1) of a row: NaN and larger values win, and the first of equals.
template <int64_t kStep, class T, class M>
inline void max_tap(const T* __restrict row, int64_t step, int64_t w0, int64_t w1, int32_t first,
                    M* __restrict best, int32_t* __restrict at) {
  const int64_t stride = kStep != 0 ? kStep : step;
  for (int64_t w = w0; w < w1; ++w) {
    const M value = static_cast<M>(row[w * stride]);
    const bool take = value > best[w] || value != value || at[w] < 0;
    best[w] = take ? value : best[w];
    at[w] = take ? first + static_cast<int32_t>(w * stride) : at[w];
  }
}

template <class T>
inline void max_plane(const PoolShape& s, const Window2d& win, const T* x, T* out, int32_t* indices,
                      MathType<T>* best) {
  using M = MathType<T>;
  for (int64_t h = 0; h < s.out_height; ++h, out += s.out_width, indices += s.out_width) {
    for (int64_t w = 0; w < s.out_width; ++w) {
      best[w] = -std::numeric_limits<M>::infinity();
      indices[w] = -1;
    }
    for (int64_t r = 0; r < win.kernel[0]; ++r) {
      const int64_t i = h * win.stride[0] - win.padding[0] + r * win.dilation[0];
      if (i < 0 || i >= s.in_height) continue;
      for (int64_t q = 0; q < win.kernel[1]; ++q) {
        const int64_t shift = q * win.dilation[1] - win.padding[1], step = win.stride[1];
        const int64_t w0 = first_output(0, shift, step, s.out_width);
        const int64_t w1 = first_output(s.in_width, shift, step, s.out_width);
        const T* row = x + i * s.in_width + shift;
        const auto first = static_cast<int32_t>(i * s.in_width + shift);
        if (step == 2) {
          max_tap<2>(row, step, w0, w1, first, best, indices);
        } else if (step == 1) {
          max_tap<1>(row, step, w0, w1, first, best, indices);
        } else {
          max_tap<0>(row, step, w0, w1, first, best, indices);
        }
      }
    }
    for (int64_t w = 0; w < s.out_width; ++w) out[w] = static_cast<T>(best[w]);
  }
}

template <class T> void max_forward(const MaxPool2d& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  const int64_t grain = kGrain / std::max<int64_t>(in_plane, 1) + 1;
  parallel_for(s.planes, grain, [&](int64_t begin, int64_t end) {
    Scratch<MathType<T>> best(s.out_width);
    simd::run([&] {
      for (int64_t p = begin; p < end; ++p) {
        max_plane(s, a.window, data_of<T>(a.x) + p * in_plane, data_of<T>(a.out) + p * out_plane,
                  data_of<int32_t>(a.indices) + p * out_plane, best.data());
      }
    });
  });
}

template <class T> void max_backward(const MaxPool2dBackward& a) {
  using M = MathType<T>;
  const PoolShape s = pool_shape(a.dx, a.g);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  const int64_t grain = kGrain / std::max<int64_t>(in_plane, 1) + 1;
  parallel_for(s.planes, grain, [&](int64_t begin, int64_t end) {
    constexpr bool kDirect = std::is_same_v<T, M>;
    Scratch<M> sums(kDirect ? 0 : in_plane);
    for (int64_t p = begin; p < end; ++p) {
      const T* g = data_of<T>(a.g) + p * out_plane;
      const int32_t* at = data_of<int32_t>(a.indices) + p * out_plane;
      T* dx = data_of<T>(a.dx) + p * in_plane;
      M* to = kDirect ? reinterpret_cast<M*>(dx) : sums.data();
      std::memset(to, 0, static_cast<size_t>(in_plane) * sizeof(M));
      for (int64_t o = 0; o < out_plane; ++o) to[at[o]] += static_cast<M>(g[o]);
      if (kDirect) continue;
      for (int64_t i = 0; i < in_plane; ++i) dx[i] = static_cast<T>(to[i]);
    }
  });
}

template <class T> void gather(const MaxPool2dGather& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  for_planes(s, [&](int64_t p) {
    const T* x = data_of<T>(a.x) + p * in_plane;
    const int32_t* at = data_of<int32_t>(a.indices) + p * out_plane;
    T* out = data_of<T>(a.out) + p * out_plane;
    for (int64_t o = 0; o < out_plane; ++o) out[o] = x[at[o]];
  });
}

// The rows of a window are added up first, whole, then the columns.
template <class T> void average(const AvgPool2d& a) {
  using M = MathType<T>;
  const PoolShape s = pool_shape(a.x, a.out);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  for_planes(s, [&](int64_t p) {
    const Scratch<M> sums(s.in_width);
    M* row = sums.data();
    T* out = data_of<T>(a.out) + p * out_plane;
    for (int64_t h = 0; h < s.out_height; ++h) {
      const auto rows = a.pooling.range(0, h, s.in_height, s.out_height);
      for (int64_t j = 0; j < s.in_width; ++j) row[j] = 0;
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        const T* x = data_of<T>(a.x) + p * in_plane + i * s.in_width;
        for (int64_t j = 0; j < s.in_width; ++j) row[j] += static_cast<M>(x[j]);
      }
      for (int64_t w = 0; w < s.out_width; ++w) {
        const auto columns = a.pooling.range(1, w, s.in_width, s.out_width);
        M sum = 0;
        for (int64_t j = columns.begin; j < columns.end; ++j) sum += row[j];
        *out++ = static_cast<T>(sum / static_cast<M>(a.pooling.divisor(rows, columns)));
      }
    }
  });
}

template <class T> void average_backward(const AvgPool2dBackward& a) {
  using M = MathType<T>;
  const PoolShape s = pool_shape(a.dx, a.g);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  for_planes(s, [&](int64_t p) {
    const Scratch<M> spread(s.in_width), plane(in_plane);
    M *row = spread.data(), *sums = plane.data();
    const T* g = data_of<T>(a.g) + p * out_plane;
    T* dx = data_of<T>(a.dx) + p * in_plane;
    for (int64_t i = 0; i < in_plane; ++i) sums[i] = 0;
    for (int64_t h = 0; h < s.out_height; ++h) {
      const auto rows = a.pooling.range(0, h, s.in_height, s.out_height);
      for (int64_t j = 0; j < s.in_width; ++j) row[j] = 0;
      for (int64_t w = 0; w < s.out_width; ++w) {
        const auto columns = a.pooling.range(1, w, s.in_width, s.out_width);
        const M share = static_cast<M>(*g++) / static_cast<M>(a.pooling.divisor(rows, columns));
        for (int64_t j = columns.begin; j < columns.end; ++j) row[j] += share;
      }
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = 0; j < s.in_width; ++j) sums[i * s.in_width + j] += row[j];
      }
    }
    for (int64_t i = 0; i < in_plane; ++i) dx[i] = static_cast<T>(sums[i]);
  });
}

void run_max(const MaxPool2d& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { max_forward<T>(a); });
}
void run_max_backward(const MaxPool2dBackward& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { max_backward<T>(a); });
}
void run_gather(const MaxPool2dGather& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { gather<T>(a); });
}
void run_average(const AvgPool2d& a) {
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() { average<T>(a); });
}
void run_average_backward(const AvgPool2dBackward& a) {
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() { average_backward<T>(a); });
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kMax = max_pool2d_kernels().add({"cpu", kCPU, kFloats, run_max, 1});
const bool kMaxBackward =
    max_pool2d_backward_kernels().add({"cpu", kCPU, kFloats, run_max_backward, 1});
const bool kGather = max_pool2d_gather_kernels().add({"cpu", kCPU, kFloats, run_gather, 1});
const bool kAverage = avg_pool2d_kernels().add({"cpu", kCPU, kFloats, run_average, 1});
const bool kAverageBackward =
    avg_pool2d_backward_kernels().add({"cpu", kCPU, kFloats, run_average_backward, 1});

}  // namespace
}  // namespace iolaus
