// pool2d on CUDA. Forward passes and the average's backward: one thread a result, which visits its
// window. The maximum's backward knows no windows, only indices: a block owns a range of a plane,
// reads the indices of the whole plane and adds what falls into its range, in order, so that
// overlapping windows add up the same in every run. All deterministic, all bandwidth-bound but for
// the re-reads of indices, which the cache serves.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/pool2d/pool2d.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / gpu::kWarp;
constexpr int64_t kRange = 4096;  // elements of a plane that a block of the backward owns

struct Place {
  int64_t plane, row, column;
};
__device__ __forceinline__ Place place_of(int64_t i, int64_t height, int64_t width) {
  const int64_t rest = gpu::fast_div(i, width), plane = gpu::fast_div(rest, height);
  return {plane, rest - plane * height, i - rest * width};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_kernel(PoolShape s, Window2d w, const T* x, T* out, int32_t* indices) {
  using A = MathType<T>;
  const int64_t n = s.planes * s.out_height * s.out_width;
  for (int64_t o = gpu::global_thread(); o < n; o += gpu::global_threads()) {
    const Place p = place_of(o, s.out_height, s.out_width);
    const T* plane = x + p.plane * s.in_height * s.in_width;
    A best = 0;
    int64_t at = -1;
    for (int64_t r = 0; r < w.kernel[0]; ++r) {
      const int64_t i = p.row * w.stride[0] - w.padding[0] + r * w.dilation[0];
      if (i < 0 || i >= s.in_height) continue;
      for (int64_t q = 0; q < w.kernel[1]; ++q) {
        const int64_t j = p.column * w.stride[1] - w.padding[1] + q * w.dilation[1];
        if (j < 0 || j >= s.in_width) continue;
        const A value = static_cast<A>(plane[i * s.in_width + j]);
        // NaN wins over numbers, the last NaN as in the reference; of equals the first.
        if (at >= 0 && !(value > best) && value == value) continue;
        best = value;
        at = i * s.in_width + j;
      }
    }
    out[o] = static_cast<T>(best);
    indices[o] = static_cast<int32_t>(at);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_gather_kernel(PoolShape s, const T* x, const int32_t* indices, T* out) {
  const int64_t per_plane = s.out_height * s.out_width, n = s.planes * per_plane;
  for (int64_t o = gpu::global_thread(); o < n; o += gpu::global_threads()) {
    out[o] = x[gpu::fast_div(o, per_plane) * s.in_height * s.in_width + indices[o]];
  }
}

// Element e of the range is summed by thread e % kThreads, in shared memory.
template <class T>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_backward_kernel(PoolShape s, int64_t ranges, int64_t range, const T* g,
                               const int32_t* indices, T* dx) {
  using A = MathType<T>;
  SHARED_ARRAY(unsigned, hits, [kWarps]);
  SHARED_ARRAY(int, targets, [kThreads]);
  SHARED_ARRAY(A, values, [kThreads]);
  A* sums = SHARED_DYNAMIC(A);
  const int64_t in_plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  const int thread = threadIdx.x;
  for (int64_t job = blockIdx.x; job < s.planes * ranges; job += gridDim.x) {
    const int64_t plane = job / ranges, first = job % ranges * range;
    const int64_t length = first + range < in_plane ? range : in_plane - first;
    for (int64_t e = thread; e < length; e += kThreads) sums[e] = A(0);
    for (int64_t start = 0; start < out_plane; start += kThreads) {
      const int64_t o = start + thread;
      int64_t target = -1;
      if (o < out_plane) target = indices[plane * out_plane + o] - first;
      const bool hit = target >= 0 && target < length;
      const unsigned found = __ballot_sync(gpu::kAllLanes, hit);
      __syncthreads();  // the last turn's readers are done
      if (hit) {
        targets[thread] = static_cast<int>(target);
        values[thread] = static_cast<A>(g[plane * out_plane + o]);
      }
      if (thread % gpu::kWarp == 0) hits[thread / gpu::kWarp] = found;
      __syncthreads();
      for (int w = 0; w < kWarps; ++w) {
        for (unsigned left = hits[w]; left != 0; left &= left - 1) {
          const int at = w * gpu::kWarp + __ffs(static_cast<int>(left)) - 1;
          if (targets[at] % kThreads == thread) sums[targets[at]] += values[at];
        }
      }
    }
    for (int64_t e = thread; e < length; e += kThreads) {
      dx[plane * in_plane + first + e] = static_cast<T>(sums[e]);
    }
    __syncthreads();  // the next range overwrites hits
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    avg_pool2d_kernel(PoolShape s, AveragePooling pooling, const T* x, T* out) {
  using A = MathType<T>;
  const int64_t n = s.planes * s.out_height * s.out_width;
  for (int64_t o = gpu::global_thread(); o < n; o += gpu::global_threads()) {
    const Place p = place_of(o, s.out_height, s.out_width);
    const auto rows = pooling.range(0, p.row, s.in_height, s.out_height);
    const auto columns = pooling.range(1, p.column, s.in_width, s.out_width);
    const T* plane = x + p.plane * s.in_height * s.in_width;
    A sum = 0;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        sum += static_cast<A>(plane[i * s.in_width + j]);
      }
    }
    out[o] = static_cast<T>(sum / static_cast<A>(pooling.divisor(rows, columns)));
  }
}

struct Span {
  int64_t begin, end;
};
// Outputs whose window may hold input i; the window itself decides.
__device__ __forceinline__ Span outputs_of(const AveragePooling& p, int d, int64_t i, int64_t size,
                                           int64_t outputs) {
  Span span;
  if (p.adaptive) {
    span.begin = gpu::fast_div(i * outputs, size) - 1;
    span.end = gpu::fast_div((i + 1) * outputs, size) + 2;
  } else {
    const int64_t last = i + p.window.padding[d];
    const int64_t before = last - p.window.kernel[d] + 1;
    span.begin = before > 0 ? gpu::fast_div(before, p.window.stride[d]) : 0;
    span.end = gpu::fast_div(last, p.window.stride[d]) + 1;
  }
  if (span.begin < 0) span.begin = 0;
  if (span.end > outputs) span.end = outputs;
  return span;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    avg_pool2d_backward_kernel(PoolShape s, AveragePooling pooling, const T* g, T* dx) {
  using A = MathType<T>;
  const int64_t n = s.planes * s.in_height * s.in_width;
  for (int64_t e = gpu::global_thread(); e < n; e += gpu::global_threads()) {
    const Place p = place_of(e, s.in_height, s.in_width);
    const Span hs = outputs_of(pooling, 0, p.row, s.in_height, s.out_height);
    const Span ws = outputs_of(pooling, 1, p.column, s.in_width, s.out_width);
    const T* plane = g + p.plane * s.out_height * s.out_width;
    A sum = 0;
    for (int64_t h = hs.begin; h < hs.end; ++h) {
      const auto rows = pooling.range(0, h, s.in_height, s.out_height);
      if (p.row < rows.begin || p.row >= rows.end) continue;
      for (int64_t w = ws.begin; w < ws.end; ++w) {
        const auto columns = pooling.range(1, w, s.in_width, s.out_width);
        if (p.column < columns.begin || p.column >= columns.end) continue;
        sum += static_cast<A>(plane[h * s.out_width + w]) /
               static_cast<A>(pooling.divisor(rows, columns));
      }
    }
    dx[e] = static_cast<T>(sum);
  }
}

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

void run_max(const MaxPool2d& a) {
  if (a.out.numel() == 0) return;
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    gpu::launch(max_pool2d_kernel<T>, gpu::grid_for(a.out.numel(), kThreads), kThreads, 0, stream,
                pool_shape(a.x, a.out), a.window, data_of<T>(a.x), data_of<T>(a.out),
                data_of<int32_t>(a.indices));
  });
}
void run_gather(const MaxPool2dGather& a) {
  if (a.out.numel() == 0) return;
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    gpu::launch(max_pool2d_gather_kernel<T>, gpu::grid_for(a.out.numel(), kThreads), kThreads, 0,
                stream, pool_shape(a.x, a.out), data_of<T>(a.x), data_of<int32_t>(a.indices),
                data_of<T>(a.out));
  });
}
void run_max_backward(const MaxPool2dBackward& a) {
  if (a.dx.numel() == 0) return;
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    const PoolShape s = pool_shape(a.dx, a.g);
    const int64_t plane = s.in_height * s.in_width;
    const int64_t range = std::min(plane, kRange), ranges = gpu::ceil_div(plane, range);
    gpu::launch(max_pool2d_backward_kernel<T>, gpu::grid_for(s.planes * ranges, 1), kThreads,
                static_cast<size_t>(range) * sizeof(MathType<T>), stream, s, ranges, range,
                data_of<T>(a.g), data_of<int32_t>(a.indices), data_of<T>(a.dx));
  });
}
void run_average(const AvgPool2d& a) {
  if (a.out.numel() == 0) return;
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    gpu::launch(avg_pool2d_kernel<T>, gpu::grid_for(a.out.numel(), kThreads), kThreads, 0, stream,
                pool_shape(a.x, a.out), a.pooling, data_of<T>(a.x), data_of<T>(a.out));
  });
}
void run_average_backward(const AvgPool2dBackward& a) {
  if (a.dx.numel() == 0) return;
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() {
    const cuda::OnDevice stream(a.device());
    gpu::launch(avg_pool2d_backward_kernel<T>, gpu::grid_for(a.dx.numel(), kThreads), kThreads, 0,
                stream, pool_shape(a.dx, a.g), a.pooling, data_of<T>(a.g), data_of<T>(a.dx));
  });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kMax = max_pool2d_kernels().add({"cuda", kCUDA, kFloats, run_max, 1});
const bool kMaxBackward =
    max_pool2d_backward_kernels().add({"cuda", kCUDA, kFloats, run_max_backward, 1});
const bool kGather = max_pool2d_gather_kernels().add({"cuda", kCUDA, kFloats, run_gather, 1});
const bool kAverage = avg_pool2d_kernels().add({"cuda", kCUDA, kFloats, run_average, 1});
const bool kAverageBackward =
    avg_pool2d_backward_kernels().add({"cuda", kCUDA, kFloats, run_average_backward, 1});

}  // namespace
}  // namespace iolaus
