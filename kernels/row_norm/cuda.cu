// row_norm on CUDA: a warp takes a short row, a block a long one. The row is read once, with
// 16-byte accesses where it is aligned, and stays in shared memory for the statistics and the
// result (each thread reads back what it wrote itself); rows beyond that are read again from
// memory. Backward keeps g gamma and xhat likewise. The gradients of gamma and beta are column sums
// over all rows: blocks of 32 columns over parts of the rows, joined in order. Deterministic,
// bandwidth-bound.
#include "kernels/elementwise/domain.h"
#include "kernels/norm_io.cuh"
#include "kernels/row_norm/row_norm.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kGroups = kThreads / gpu::kWarp;
constexpr int64_t kWarpColumns = 1024;     // longer rows get a block
constexpr size_t kCacheBytes = 96 * 1024;  // of shared memory for rows, at most

template <class T> struct Row {
  using A = MathType<T>;
  int64_t rows, columns;
  bool whole_block, cached;
  A eps;
  const T *x, *residual;  // residual null: s is x
  T *sum, *out;
  gpu::Parameter<T> gamma, beta;
  A *mean, *rstd;  // mean null: not centered
};

// Calls body(row, member, width, active, cache) for the rows of this block's groups; all threads
// come along, so that body may reduce. cache: this group's part of shared memory, slots a row;
// null without.
template <class A, class Body>
__device__ __forceinline__ void for_rows(int64_t rows, bool whole_block, int64_t slots, Body body) {
  const int width = whole_block ? kThreads : gpu::kWarp;
  const int groups = kThreads / width, group = threadIdx.x / width;
  A* cache = slots > 0 ? SHARED_DYNAMIC(A) + group * slots : nullptr;
  for (int64_t r0 = static_cast<int64_t>(blockIdx.x) * groups; r0 < rows;
       r0 += static_cast<int64_t>(gridDim.x) * groups) {
    const int64_t r = r0 + group;
    body(r < rows ? r : int64_t{0}, static_cast<int>(threadIdx.x) % width, width, r < rows, cache);
  }
}

template <class T, int N> __global__ void __launch_bounds__(kThreads) row_norm_kernel(Row<T> p) {
  using A = MathType<T>;
  for_rows<A>(
      p.rows, p.whole_block, p.cached ? p.columns : 0,
      [&](int64_t r, int member, int width, bool active, A* cache) {
        const int64_t at = r * p.columns, packs = active ? p.columns / N : 0;
        const T* source = p.residual != nullptr ? p.sum + at : p.x + at;  // read again, uncached
        A total = 0;
        for (int64_t i = member; i < packs; i += width) {
          gpu::Pack<T, N> s = gpu::load_pack<N>(p.x + at + i * N);
          if (p.residual != nullptr) {
            const auto other = gpu::load_pack<N>(p.residual + at + i * N);
#pragma unroll
            for (int k = 0; k < N; ++k) {
              s.v[k] = static_cast<T>(static_cast<A>(s.v[k]) + static_cast<A>(other.v[k]));
            }
            gpu::store_pack<N>(p.sum + at + i * N, s);
          }
#pragma unroll
          for (int k = 0; k < N; ++k) {
            const A value = static_cast<A>(s.v[k]);
            if (p.cached) cache[i * N + k] = value;
            total += p.mean != nullptr ? value : value * value;
          }
        }
        const auto value_at = [&](int64_t i, int k) {
          return p.cached ? cache[i * N + k] : static_cast<A>(source[i * N + k]);
        };
        const A count = static_cast<A>(p.columns);
        total = gpu::group_reduce(p.whole_block, total, A(0), gpu::Sum{});
        A mean = 0;
        if (p.mean != nullptr) {  // the same for all threads
          mean = total / count;
          A squares = 0;
          for (int64_t i = member; i < packs; i += width) {
#pragma unroll
            for (int k = 0; k < N; ++k) {
              const A d = value_at(i, k) - mean;
              squares += d * d;
            }
          }
          total = gpu::group_reduce(p.whole_block, squares, A(0), gpu::Sum{});
        }
        const A rstd = A(1) / math::sqrt(total / count + p.eps);
        for (int64_t i = member; i < packs; i += width) {
          gpu::Pack<T, N> y;
#pragma unroll
          for (int k = 0; k < N; ++k) {
            const A xhat = (value_at(i, k) - mean) * rstd;
            y.v[k] =
                static_cast<T>(xhat * p.gamma.get(i * N + k, A(1)) + p.beta.get(i * N + k, A(0)));
          }
          gpu::store_pack<N>(p.out + at + i * N, y);
        }
        if (member == 0 && active) {
          if (p.mean != nullptr) p.mean[r] = mean;
          p.rstd[r] = rstd;
        }
      });
}

template <class T> struct BackwardRow {
  using A = MathType<T>;
  int64_t rows, columns;
  bool whole_block, cached;
  const T *g, *gs, *s;  // gs may be null
  T* dx;
  gpu::Parameter<T> gamma;
  const A *mean, *rstd;
};

// A row's h and xhat lie one after the other in the cache.
template <class T, int N>
__global__ void __launch_bounds__(kThreads) row_norm_backward_kernel(BackwardRow<T> p) {
  using A = MathType<T>;
  for_rows<A>(p.rows, p.whole_block, p.cached ? 2 * p.columns : 0,
              [&](int64_t r, int member, int width, bool active, A* cache) {
                const int64_t at = r * p.columns, packs = active ? p.columns / N : 0;
                const A mean = p.mean != nullptr ? p.mean[r] : A(0), rstd = p.rstd[r];
                A sum = 0, dot = 0;
                for (int64_t i = member; i < packs; i += width) {
                  const auto g = gpu::load_pack<N>(p.g + at + i * N),
                             s = gpu::load_pack<N>(p.s + at + i * N);
#pragma unroll
                  for (int k = 0; k < N; ++k) {
                    const A h = static_cast<A>(g.v[k]) * p.gamma.get(i * N + k, A(1));
                    const A xhat = (static_cast<A>(s.v[k]) - mean) * rstd;
                    if (p.cached) {
                      cache[i * N + k] = h;
                      cache[p.columns + i * N + k] = xhat;
                    }
                    sum += h;
                    dot += h * xhat;
                  }
                }
                const A count = static_cast<A>(p.columns);
                dot = gpu::group_reduce(p.whole_block, dot, A(0), gpu::Sum{}) / count;
                A pull = 0;
                if (p.mean != nullptr) {
                  pull = gpu::group_reduce(p.whole_block, sum, A(0), gpu::Sum{}) / count;
                }
                for (int64_t i = member; i < packs; i += width) {
                  gpu::Pack<T, N> y, other;
                  if (p.gs != nullptr) other = gpu::load_pack<N>(p.gs + at + i * N);
#pragma unroll
                  for (int k = 0; k < N; ++k) {
                    const int64_t e = i * N + k;
                    A h, xhat;
                    if (p.cached) {
                      h = cache[e], xhat = cache[p.columns + e];
                    } else {
                      h = static_cast<A>(p.g[at + e]) * p.gamma.get(e, A(1));
                      xhat = (static_cast<A>(p.s[at + e]) - mean) * rstd;
                    }
                    A value = rstd * (h - pull - xhat * dot);
                    if (p.gs != nullptr) value += static_cast<A>(other.v[k]);
                    y.v[k] = static_cast<T>(value);
                  }
                  gpu::store_pack<N>(p.dx + at + i * N, y);
                }
              });
}

// Sums of g xhat and g over rows [y chunk, (y + 1) chunk), to partial (2, gridDim.y, columns).
template <class T>
__global__ void __launch_bounds__(kThreads)
    row_norm_columns_kernel(int64_t rows, int64_t columns, int64_t chunk, const T* g, const T* s,
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
      const A mean = means != nullptr ? means[r] : A(0);
      dot += gradient * ((static_cast<A>(s[r * columns + i]) - mean) * rstds[r]);
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
    row_norm_join_kernel(int64_t columns, int parts, const MathType<T>* partial,
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

// Bytes of shared memory for `numbers` numbers a row, 0 where they do not fit.
size_t cache_bytes(int64_t numbers, bool whole_block, size_t size) {
  const size_t bytes = static_cast<size_t>(numbers) * size * (whole_block ? 1 : kGroups);
  return bytes <= kCacheBytes ? bytes : 0;
}
template <class T> bool all_aligned(int64_t columns, std::initializer_list<const T*> pointers) {
  if (columns % gpu::kPackSize<T> != 0) return false;
  return std::all_of(pointers.begin(), pointers.end(),
                     [](const T* p) { return gpu::is_aligned(p, 16); });
}

template <class T> void forward(const RowNorm& a) {
  using A = MathType<T>;
  if (a.rows() == 0) return;
  const cuda::OnDevice stream(a.device());
  const bool whole_block = a.columns > kWarpColumns;
  const size_t cache = cache_bytes(a.columns, whole_block, sizeof(A));
  const Row<T> p{a.rows(),
                 a.columns,
                 whole_block,
                 cache > 0,
                 static_cast<A>(a.eps),
                 data_or_null<T>(a.x),
                 data_or_null<T>(a.residual),
                 data_or_null<T>(a.sum),
                 data_or_null<T>(a.out),
                 gpu::parameter<T>(a.gamma),
                 gpu::parameter<T>(a.beta),
                 data_or_null<A>(a.mean),
                 data_or_null<A>(a.rstd)};
  const bool wide = all_aligned<T>(a.columns, {p.x, p.residual, p.sum, p.out});
  gpu::launch(wide ? row_norm_kernel<T, gpu::kPackSize<T>> : row_norm_kernel<T, 1>,
              gpu::grid_for(a.rows(), whole_block ? 1 : kGroups), kThreads, cache, stream, p);
}

template <class T> void input_gradient(const RowNormBackward& a, cudaStream_t stream) {
  using A = MathType<T>;
  const bool whole_block = a.columns > kWarpColumns;
  const size_t cache = cache_bytes(2 * a.columns, whole_block, sizeof(A));
  const BackwardRow<T> p{a.rows(),
                         a.columns,
                         whole_block,
                         cache > 0,
                         data_or_null<T>(a.g),
                         data_or_null<T>(a.gs),
                         data_or_null<T>(a.s),
                         data_or_null<T>(a.dx),
                         gpu::parameter<T>(a.gamma),
                         data_or_null<A>(a.mean),
                         data_or_null<A>(a.rstd)};
  const bool wide = all_aligned<T>(a.columns, {p.g, p.gs, p.s, p.dx});
  gpu::launch(
      wide ? row_norm_backward_kernel<T, gpu::kPackSize<T>> : row_norm_backward_kernel<T, 1>,
      gpu::grid_for(a.rows(), whole_block ? 1 : kGroups), kThreads, cache, stream, p);
}

template <class T> void backward(const RowNormBackward& a) {
  using A = MathType<T>;
  const int64_t rows = a.rows(), columns = a.columns;
  if (columns == 0) return;
  const cuda::OnDevice stream(a.device());
  if (a.dx.defined() && rows > 0) input_gradient<T>(a, stream);
  if (!a.dgamma.defined() && !a.dbeta.defined()) return;
  const int64_t blocks = gpu::ceil_div(columns, gpu::kWarp);
  const int64_t wanted =
      std::clamp<int64_t>(std::min(rows / 64, gpu::ceil_div(512, blocks)), 1, 256);
  const int64_t chunk = std::max<int64_t>(gpu::ceil_div(rows, wanted), 1);
  const int64_t parts = std::max<int64_t>(gpu::ceil_div(rows, chunk), 1);
  const gpu::DeviceScratch<A> partial(a.device(), 2 * parts * columns);
  gpu::launch(row_norm_columns_kernel<T>,
              dim3(gpu::grid_for(columns, gpu::kWarp), static_cast<unsigned>(parts)), kThreads, 0,
              stream, rows, columns, chunk, data_or_null<T>(a.g), data_or_null<T>(a.s),
              data_or_null<A>(a.mean), data_or_null<A>(a.rstd), partial.data());
  gpu::launch(row_norm_join_kernel<T>, gpu::grid_for(columns, kThreads), kThreads, 0, stream,
              columns, static_cast<int>(parts), partial.data(), gpu::parameter_out<T>(a.dgamma),
              gpu::parameter_out<T>(a.dbeta));
}

void run_forward(const RowNorm& a) {
  visit_dtype(FloatTypes{}, "row_norm", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const RowNormBackward& a) {
  visit_dtype(FloatTypes{}, "row_norm", a.dtype(), [&]<class T>() { backward<T>(a); });
}

bool add_all() {
  for (const RowNormKind kind : kRowNormKinds) {
    row_norm_kernels(kind).add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_forward, 1});
    row_norm_backward_kernels(kind).add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_backward, 1});
  }
  return true;
}
const bool kRegistered = add_all();

}  // namespace
}  // namespace iolaus
