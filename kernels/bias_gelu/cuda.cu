// bias_gelu on CUDA: x is read once and written once, with 16-byte accesses where rows are aligned.
// In backward a block takes 32 packs of columns over a part of the rows, so that the bias's
// gradient is summed on the way; a second kernel joins the parts in order. Deterministic,
// bandwidth-bound.
#include "kernels/bias_gelu/bias_gelu.h"
#include "kernels/bias_gelu/gelu.h"
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;
constexpr int kGroups = kThreads / gpu::kWarp;

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    bias_gelu_kernel(bool approximate, int64_t packs, int64_t row_packs, const T* x, const T* bias,
                     T* out) {
  using A = MathType<T>;
  for (int64_t e = gpu::global_thread(); e < packs; e += gpu::global_threads()) {
    const int64_t column = e - gpu::fast_div(e, row_packs) * row_packs;
    auto values = gpu::load_pack<N>(x + e * N);
    const auto add = gpu::load_pack<N>(bias + column * N);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const A z = static_cast<A>(values.v[k]) + static_cast<A>(add.v[k]);
      values.v[k] = static_cast<T>(ops::gelu_value(approximate, z));
    }
    gpu::store_pack<N>(out + e * N, values);
  }
}

// Rows [y chunk, (y + 1) chunk); their sums go to partial (gridDim.y, columns) unless it is null.
template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    bias_gelu_backward_kernel(bool approximate, int64_t rows, int64_t row_packs, int64_t chunk,
                              const T* g, const T* x, const T* bias, T* dx, MathType<T>* partial) {
  using A = MathType<T>;
  SHARED_ARRAY(A, sums, [kGroups][gpu::kWarp][N]);
  const int lane = threadIdx.x % gpu::kWarp, group = threadIdx.x / gpu::kWarp;
  const int64_t begin = blockIdx.y * chunk, end = begin + chunk < rows ? begin + chunk : rows;
  for (int64_t c0 = static_cast<int64_t>(blockIdx.x) * gpu::kWarp; c0 < row_packs;
       c0 += static_cast<int64_t>(gridDim.x) * gpu::kWarp) {
    const int64_t c = c0 + lane;
    gpu::Pack<T, N> add{};
    if (c < row_packs) add = gpu::load_pack<N>(bias + c * N);
    A own[N] = {};
    for (int64_t r = begin + group; r < end && c < row_packs; r += kGroups) {
      const int64_t at = (r * row_packs + c) * N;
      const auto gradients = gpu::load_pack<N>(g + at);
      auto values = gpu::load_pack<N>(x + at);
#pragma unroll
      for (int k = 0; k < N; ++k) {
        const A z = static_cast<A>(values.v[k]) + static_cast<A>(add.v[k]);
        const A value = ops::gelu_gradient(approximate, static_cast<A>(gradients.v[k]), z);
        values.v[k] = static_cast<T>(value);
        own[k] += value;
      }
      gpu::store_pack<N>(dx + at, values);
    }
    if (partial == nullptr) continue;  // the same for all threads
#pragma unroll
    for (int k = 0; k < N; ++k) sums[group][lane][k] = own[k];
    __syncthreads();
    if (group == 0 && c < row_packs) {
#pragma unroll
      for (int k = 0; k < N; ++k) {
        for (int other = 1; other < kGroups; ++other) own[k] += sums[other][lane][k];
        partial[(blockIdx.y * row_packs + c) * N + k] = own[k];
      }
    }
    __syncthreads();  // the next turn overwrites the sums
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    bias_gelu_join_kernel(int64_t columns, int parts, const MathType<T>* partial, T* dbias) {
  for (int64_t i = gpu::global_thread(); i < columns; i += gpu::global_threads()) {
    MathType<T> sum = 0;
    for (int p = 0; p < parts; ++p) sum += partial[p * columns + i];
    dbias[i] = static_cast<T>(sum);
  }
}

template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

template <class T> bool is_wide(int64_t columns, std::initializer_list<const Tensor*> tensors) {
  if (columns % gpu::kPackSize<T> != 0) return false;
  return std::all_of(tensors.begin(), tensors.end(),
                     [](const Tensor* t) { return gpu::is_aligned(t->raw_data(), 16); });
}

template <class T> void forward(const BiasGelu& a) {
  const int64_t columns = a.bias.numel();
  const bool wide = is_wide<T>(columns, {&a.x, &a.bias, &a.out});
  const int64_t n = wide ? gpu::kPackSize<T> : 1;
  const cuda::OnDevice stream(a.device());
  gpu::launch(wide ? bias_gelu_kernel<T, gpu::kPackSize<T>> : bias_gelu_kernel<T, 1>,
              gpu::grid_for(a.x.numel() / n, kThreads), kThreads, 0, stream, a.approximate,
              a.x.numel() / n, columns / n, data_of<T>(a.x), data_of<T>(a.bias), data_of<T>(a.out));
}

template <class T> void backward(const BiasGeluBackward& a) {
  using A = MathType<T>;
  const int64_t columns = a.bias.numel(), rows = a.x.numel() / columns;
  const bool wide = is_wide<T>(columns, {&a.g, &a.x, &a.bias, &a.dx});
  const int64_t n = wide ? gpu::kPackSize<T> : 1, packs = columns / n;
  // Enough blocks for the device, and at least 16 rows each.
  const int64_t blocks = gpu::ceil_div(packs, gpu::kWarp);
  const int64_t wanted =
      std::clamp<int64_t>(std::min(rows / 16, gpu::ceil_div(1024, blocks)), 1, 1024);
  const int64_t chunk = std::max<int64_t>(gpu::ceil_div(rows, wanted), 1);
  const int64_t parts = std::max<int64_t>(gpu::ceil_div(rows, chunk), 1);
  const cuda::OnDevice stream(a.device());
  const gpu::DeviceScratch<A> partial(a.device(), a.dbias.defined() ? parts * columns : 0);
  gpu::launch(
      wide ? bias_gelu_backward_kernel<T, gpu::kPackSize<T>> : bias_gelu_backward_kernel<T, 1>,
      dim3(gpu::grid_for(packs, gpu::kWarp), static_cast<unsigned>(parts)), kThreads, 0, stream,
      a.approximate, rows, packs, chunk, data_of<T>(a.g), data_of<T>(a.x), data_of<T>(a.bias),
      data_of<T>(a.dx), partial.data());
  if (!a.dbias.defined()) return;
  gpu::launch(bias_gelu_join_kernel<T>, gpu::grid_for(columns, kThreads), kThreads, 0, stream,
              columns, static_cast<int>(parts), partial.data(), data_of<T>(a.dbias));
}

void run_forward(const BiasGelu& a) {
  if (a.x.numel() == 0) return;
  visit_dtype(FloatTypes{}, "bias_gelu", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward(const BiasGeluBackward& a) {
  if (a.bias.numel() == 0) return;
  visit_dtype(FloatTypes{}, "bias_gelu", a.dtype(), [&]<class T>() { backward<T>(a); });
}

const bool kForward =
    bias_gelu_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_forward, 1});
const bool kBackward =
    bias_gelu_backward_kernels().add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_backward, 1});

}  // namespace
}  // namespace iolaus
