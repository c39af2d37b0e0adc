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

// One tap for outputs [w0, w1) of a row: NaN and larger values win. Without branches, so that the
// loop is a vector loop.
template <int64_t kStep, class T, class M>
inline void max_tap(const T* __restrict row, int64_t step, int64_t w0, int64_t w1, int32_t first,
                    M* __restrict best, int32_t* __restrict at) {
  const int64_t stride = kStep != 0 ? kStep : step;
  for (int64_t w = w0; w < w1; ++w) {
    const M value = static_cast<M>(row[w * stride]), old = best[w];
    const bool take = (value > old) | (value != value);
    const int32_t index = first + static_cast<int32_t>(w * stride), before = at[w];
    best[w] = take ? value : old;
    at[w] = take ? index : before;
  }
}

// The first element of each window that lies inside: what a row of -infinity gives.
inline void first_indices(const PoolShape& s, const Window2d& win, int64_t h, int32_t* at) {
  int64_t i = h * win.stride[0] - win.padding[0];
  while (i < 0) i += win.dilation[0];
  const auto row = static_cast<int32_t>(i * s.in_width - win.padding[1]);
  const auto step = static_cast<int32_t>(win.stride[1]);
  for (int64_t w = 0; w < s.out_width; ++w) at[w] = row + static_cast<int32_t>(w) * step;
  for (int64_t w = 0; w < s.out_width && w * step < win.padding[1]; ++w) {
    int64_t j = w * step - win.padding[1];
    while (j < 0) j += win.dilation[1];
    at[w] = static_cast<int32_t>(i * s.in_width + j);
  }
}

// kCount outputs of 2 x 2 windows side by side, from the two input rows.
template <int64_t kCount, class T>
inline void max_2x2(const T* __restrict top, const T* __restrict bottom, int32_t first,
                    int32_t width, T* __restrict out, int32_t* __restrict at) {
  using M = MathType<T>;
  for (int64_t w = 0; w < kCount; ++w) {
    const M v[4] = {static_cast<M>(top[2 * w]), static_cast<M>(top[2 * w + 1]),
                    static_cast<M>(bottom[2 * w]), static_cast<M>(bottom[2 * w + 1])};
    const int32_t corner = first + 2 * static_cast<int32_t>(w);
    const int32_t index[4] = {corner, corner + 1, corner + width, corner + width + 1};
    M best = v[0];
    int32_t where = index[0];
    for (int i = 1; i < 4; ++i) {
      const bool take = (v[i] > best) | (v[i] != v[i]);
      best = take ? v[i] : best;
      where = take ? index[i] : where;
    }
    out[w] = static_cast<T>(best);
    at[w] = where;
  }
}

// A plane of 2 x 2 windows with stride 2, by far the most frequent. A row's last block is moved
// back to end with the row, and computes some outputs again.
template <int64_t kCount, class T>
inline void max_plane_2x2(const PoolShape& s, const T* x, T* out, int32_t* indices) {
  const auto width = static_cast<int32_t>(s.in_width);
  for (int64_t h = 0; h < s.out_height; ++h, out += s.out_width, indices += s.out_width) {
    const T* row = x + 2 * h * s.in_width;
    for (int64_t w = 0; w < s.out_width; w += kCount) {
      const int64_t at = std::min(w, s.out_width - kCount);
      const auto first = static_cast<int32_t>(2 * h * s.in_width + 2 * at);
      max_2x2<kCount>(row + 2 * at, row + s.in_width + 2 * at, first, width, out + at,
                      indices + at);
    }
  }
}
bool is_2x2(const PoolShape& s, const Window2d& w) {
  bool simple = true;
  for (int d = 0; d < 2; ++d) {
    simple =
        simple && w.kernel[d] == 2 && w.stride[d] == 2 && w.padding[d] == 0 && w.dilation[d] == 1;
  }
  return simple && 2 * s.out_height <= s.in_height && 2 * s.out_width <= s.in_width;
}

template <class T>
inline void max_plane(const PoolShape& s, const Window2d& win, const T* x, T* out, int32_t* indices,
                      MathType<T>* best) {
  using M = MathType<T>;
  if (is_2x2(s, win)) {
    if (s.out_width >= 8) return max_plane_2x2<8>(s, x, out, indices);
    if (s.out_width >= 4) return max_plane_2x2<4>(s, x, out, indices);
    return max_plane_2x2<1>(s, x, out, indices);
  }
  for (int64_t h = 0; h < s.out_height; ++h, out += s.out_width, indices += s.out_width) {
    for (int64_t w = 0; w < s.out_width; ++w) best[w] = -std::numeric_limits<M>::infinity();
    first_indices(s, win, h, indices);
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
