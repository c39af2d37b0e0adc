// layer_norm on CUDA: a warp takes a short row, a block a long one; the row is read twice for its
// statistics and once to normalise, mostly from the cache. The gradients of gamma and beta are
// column sums over all rows: blocks of 32 columns over parts of the rows, joined in order.
// Deterministic, bandwidth-bound.
#include "kernels/elementwise/domain.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/norm_io.cuh"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kGroups = kThreads / gpu::kWarp;
constexpr int64_t kWarpColumns = 1024;  // longer rows get a block

// Calls body(row, member, width, active) for the rows of this block's groups; all threads come
// along, so that body may reduce.
template <class Body>
__device__ __forceinline__ void for_rows(int64_t rows, bool whole_block, Body body) {
  const int width = whole_block ? kThreads : gpu::kWarp;
  const int groups = kThreads / width;
  for (int64_t r0 = static_cast<int64_t>(blockIdx.x) * groups; r0 < rows;
       r0 += static_cast<int64_t>(gridDim.x) * groups) {
    const int64_t r = r0 + threadIdx.x / width;
    body(r < rows ? r : int64_t{0}, static_cast<int>(threadIdx.x) % width, width, r < rows);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    layer_norm_kernel(int64_t rows, int64_t columns, bool whole_block, MathType<T> eps, const T* x,
                      T* out, gpu::Parameter<T> gamma, gpu::Parameter<T> beta, MathType<T>* means,
                      MathType<T>* rstds) {
  using A = MathType<T>;
  for_rows(rows, whole_block, [&](int64_t r, int member, int width, bool active) {
    const T* row = x + r * columns;
    const int64_t count = active ? columns : 0;
    A sum = 0, squares = 0;
    for (int64_t i = member; i < count; i += width) sum += static_cast<A>(row[i]);
    const A mean = gpu::group_reduce(whole_block, sum, A(0), gpu::Sum{}) / static_cast<A>(columns);
    for (int64_t i = member; i < count; i += width) {
      const A d = static_cast<A>(row[i]) - mean;
      squares += d * d;
    }
    squares = gpu::group_reduce(whole_block, squares, A(0), gpu::Sum{});
    const A rstd = A(1) / math::sqrt(squares / static_cast<A>(columns) + eps);
    for (int64_t i = member; i < count; i += width) {
      const A xhat = (static_cast<A>(row[i]) - mean) * rstd;
      out[r * columns + i] = static_cast<T>(xhat * gamma.get(i, A(1)) + beta.get(i, A(0)));
    }
    if (member == 0 && active) {
      means[r] = mean;
      rstds[r] = rstd;
    }
  });
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    layer_norm_backward_kernel(int64_t rows, int64_t columns, bool whole_block, const T* g,
                               const T* x, T* dx, gpu::Parameter<T> gamma, const MathType<T>* means,
                               const MathType<T>* rstds) {
  using A = MathType<T>;
  for_rows(rows, whole_block, [&](int64_t r, int member, int width, bool active) {
    const int64_t at = r * columns, count = active ? columns : 0;
    const A mean = means[r], rstd = rstds[r];
    A sum = 0, dot = 0;
    for (int64_t i = member; i < count; i += width) {
      const A h = static_cast<A>(g[at + i]) * gamma.get(i, A(1));
      sum += h;
      dot += h * ((static_cast<A>(x[at + i]) - mean) * rstd);
    }
    sum = gpu::group_reduce(whole_block, sum, A(0), gpu::Sum{}) / static_cast<A>(columns);
    dot = gpu::group_reduce(whole_block, dot, A(0), gpu::Sum{}) / static_cast<A>(columns);
    for (int64_t i = member; i < count; i += width) {
      const A h = static_cast<A>(g[at + i]) * gamma.get(i, A(1));
      const A xhat = (static_cast<A>(x[at + i]) - mean) * rstd;
      dx[at + i] = static_cast<T>(rstd * (h - sum - xhat * dot));
    }
  });
}

// Sums of g xhat and g over rows [y chunk, (y + 1) chunk), to partial (2, gridDim.y, columns).
template <class T>
__global__ void __launch_bounds__(kThreads)
    layer_norm_columns_kernel(int64_t rows, int64_t columns, int64_t chunk, const T* g, const T* x,
                              const MathType<T>* means, const MathType<T>* rstds,
                              MathType<T>* partial) {
  using A = MathType<T>;
  SHARED_ARRAY(A, dots, [kGroups][gpu::kWarp]);
  SHARED_ARRAY(A, sums, [kGroups][gpu::kWarp]);
  const int lane = threadIdx.x % gpu::kWarp, group = threadIdx.x / gpu::kWarp;
  const int64_t begin = blockIdx.y * chunk, end = begin + chunk < rows ? begin + chunk : rows;
  for (int64_t i0 = static_cast<int64_t>(blockIdx.x) * gpu::kWarp; i0 < columns;
       i0 += static_cast<int64_t>(gridDim.x) * gpu::kWarp) {
    const int64_t i = i0 + lane;
    A dot = 0, sum = 0;
    for (int64_t r = begin + group; r < end && i < columns; r += kGroups) {
      const A gradient = static_cast<A>(g[r * columns + i]);
      dot += gradient * ((static_cast<A>(x[r * columns + i]) - means[r]) * rstds[r]);
      sum += gradient;
    }
    dots[group][lane] = dot;
    sums[group][lane] = sum;
    __syncthreads();
    if (group == 0 && i < columns) {
      for (int k = 1; k < kGroups; ++k) {
        dot += dots[k][lane];
        sum += sums[k][lane];
      }
      partial[blockIdx.y * columns + i] = dot;
      partial[(gridDim.y + blockIdx.y) * columns + i] = sum;
    }
    __syncthreads();  // the next turn overwrites the sums
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    layer_norm_join_kernel(int64_t columns, int parts, const MathType<T>* partial,
                           gpu::ParameterOut<T> dgamma, gpu::ParameterOut<T> dbeta) {
  using A = MathType<T>;
  for (int64_t i = gpu::global_thread(); i < columns; i += gpu::global_threads()) {
    A dot = 0, sum = 0;
    for (int p = 0; p < parts; ++p) {
      dot += partial[p * columns + i];
      sum += partial[(parts + p) * columns + i];
    }
    dgamma.set(i, dot);
    dbeta.set(i, sum);
  }
}

template <class T> T* data_or_null(const Tensor& t) {
  return t.defined() ? static_cast<T*>(t.raw_data()) : nullptr;
}

template <class T> void forward(const LayerNorm& a) {
  using A = MathType<T>;
  if (a.rows() == 0) return;
  const cuda::OnDevice stream(a.device());
  const bool whole_block = a.columns > kWarpColumns;
  gpu::launch(layer_norm_kernel<T>, gpu::grid_for(a.rows(), whole_block ? 1 : kGroups), kThreads, 0,
              stream, a.rows(), a.columns, whole_block, static_cast<A>(a.eps), data_or_null<T>(a.x),
              data_or_null<T>(a.out), gpu::parameter<T>(a.gamma), gpu::parameter<T>(a.beta),
              data_or_null<A>(a.mean), data_or_null<A>(a.rstd));
}

template <class T> void backward(const LayerNormBackward& a) {
  using A = MathType<T>;
  const int64_t rows = a.rows(), columns = a.columns;
  if (columns == 0) return;
  const cuda::OnDevice stream(a.device());
  const T *g = data_or_null<T>(a.g), *x = data_or_null<T>(a.x);
  const A *means = data_or_null<A>(a.mean), *rstds = data_or_null<A>(a.rstd);
  if (a.dx.defined() && rows > 0) {
    const bool whole_block = columns > kWarpColumns;
    gpu::launch(layer_norm_backward_kernel<T>, gpu::grid_for(rows, whole_block ? 1 : kGroups),
                kThreads, 0, stream, rows, columns, whole_block, g, x, data_or_null<T>(a.dx),
                gpu::parameter<T>(a.gamma), means, rstds);
  }
  if (!a.dgamma.defined() && !a.dbeta.defined()) return;
  const int64_t blocks = gpu::ceil_div(columns, gpu::kWarp);
  const int64_t wanted =
      std::clamp<int64_t>(std::min(rows / 64, gpu::ceil_div(512, blocks)), 1, 256);
  const int64_t chunk = std::max<int64_t>(gpu::ceil_div(rows, wanted), 1);
  const int64_t parts = std::max<int64_t>(gpu::ceil_div(rows, chunk), 1);
  const gpu::DeviceScratch<A> partial(a.device(), 2 * parts * columns);
  gpu::launch(layer_norm_columns_kernel<T>,
              dim3(gpu::grid_for(columns, gpu::kWarp), static_cast<unsigned>(parts)), kThreads, 0,
              stream, rows, columns, chunk, g, x, means, rstds, partial.data());
  gpu::launch(layer_norm_join_kernel<T>, gpu::grid_for(columns, kThreads), kThreads, 0, stream,
              columns, static_cast<int>(parts), partial.data(), gpu::parameter_out<T>(a.dgamma),
              gpu::parameter_out<T>(a.dbeta));
}

void run_forward(const LayerNorm& a) {
  visit_dtype(FloatTypes{}, "layer_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const LayerNormBackward& a) {
  visit_dtype(FloatTypes{}, "layer_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kForward = layer_norm_kernels().add({"cuda", kCUDA, kFloats, run_forward, 1});
const bool kBackward = layer_norm_backward_kernels().add({"cuda", kCUDA, kFloats, run_backward, 1});

}  // namespace
}  // namespace iolaus
