// conv2d as products of implicit matrices: the windows of the input are never written out. Any
// strides (contiguous, channels-last, views), groups and dilation; sums in float (double for
// double). Flops as Conv2d::cost. Deterministic: the weight's gradient, whose sums are long and
// whose results are few, is split over blocks and joined in order.
#include "kernels/conv2d/shape.cuh"
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/reduce.h"
#include "kernels/tile_gemm.cuh"

namespace iolaus {
namespace {

using conv::input_offset;
using conv::pointer;
using conv::Shape;
using conv::shape_of;
using conv::split3;
using conv::Strides4;
using conv::strides_of;
using conv::Triple;

// out (K, N Ho Wo) = weight (K, C kh kw) windows of x (C kh kw, N Ho Wo), for each group.
template <class T> struct Forward {
  using Sum = gpu::TileSum<T>;
  int64_t m, n, k, batch, splits;
  bool a_rows_fast, b_rows_fast;
  Shape s;
  Strides4 x_at, weight_at, out_at;
  const T *x, *weight, *bias;
  T* out;

  __device__ Sum a(int64_t group, int64_t i, int64_t l) const {
    const Triple window = split3(l, s.kernel_height, s.kernel_width);
    return static_cast<Sum>(
        weight[(group * s.out_channels + i) * weight_at.at[0] + window.a * weight_at.at[1] +
               window.b * weight_at.at[2] + window.c * weight_at.at[3]]);
  }
  __device__ Sum b(int64_t group, int64_t l, int64_t j) const {
    const int64_t at = input_offset(s, x_at, group, split3(l, s.kernel_height, s.kernel_width),
                                    split3(j, s.out_height, s.out_width));
    return at < 0 ? Sum(0) : static_cast<Sum>(x[at]);
  }
  __device__ void store(int64_t group, int64_t, int64_t i, int64_t j, Sum sum) const {
    const int64_t channel = group * s.out_channels + i;
    const Triple o = split3(j, s.out_height, s.out_width);
    if (bias != nullptr) sum += static_cast<Sum>(bias[channel]);
    out[o.a * out_at.at[0] + channel * out_at.at[1] + o.b * out_at.at[2] + o.c * out_at.at[3]] =
        static_cast<T>(sum);
  }
};

// dx (C, N H W) = weight (C, K kh kw) outputs of g that read the element (K kh kw, N H W).
template <class T> struct BackwardInput {
  using Sum = gpu::TileSum<T>;
  int64_t m, n, k, batch, splits;
  bool a_rows_fast, b_rows_fast;
  Shape s;
  Strides4 g_at, weight_at, dx_at;
  const T *g, *weight;
  T* dx;

  __device__ Sum a(int64_t group, int64_t i, int64_t l) const {
    const Triple w = split3(l, s.kernel_height, s.kernel_width);
    return static_cast<Sum>(
        weight[(group * s.out_channels + w.a) * weight_at.at[0] + i * weight_at.at[1] +
               w.b * weight_at.at[2] + w.c * weight_at.at[3]]);
  }
  __device__ Sum b(int64_t group, int64_t l, int64_t j) const {
    const Triple w = split3(l, s.kernel_height, s.kernel_width);
    const Triple in = split3(j, s.in_height, s.in_width);
    const int64_t y = in.b + s.padding[0] - w.b * s.dilation[0];
    const int64_t x = in.c + s.padding[1] - w.c * s.dilation[1];
    if (y < 0 || x < 0) return Sum(0);
    const int64_t h = gpu::fast_div(y, s.stride[0]), v = gpu::fast_div(x, s.stride[1]);
    if (h * s.stride[0] != y || v * s.stride[1] != x || h >= s.out_height || v >= s.out_width) {
      return Sum(0);
    }
    return static_cast<Sum>(g[in.a * g_at.at[0] + (group * s.out_channels + w.a) * g_at.at[1] +
                              h * g_at.at[2] + v * g_at.at[3]]);
  }
  __device__ void store(int64_t group, int64_t, int64_t i, int64_t j, Sum sum) const {
    const Triple in = split3(j, s.in_height, s.in_width);
    dx[in.a * dx_at.at[0] + (group * s.in_channels + i) * dx_at.at[1] + in.b * dx_at.at[2] +
       in.c * dx_at.at[3]] = static_cast<T>(sum);
  }
};

// dw (K, C kh kw) = g (K, N Ho Wo) windows of x (N Ho Wo, C kh kw); parts of the sum go to partial
// (splits, groups, K, C kh kw).
template <class T> struct BackwardWeight {
  using Sum = gpu::TileSum<T>;
  int64_t m, n, k, batch, splits;
  bool a_rows_fast, b_rows_fast;
  Shape s;
  Strides4 g_at, x_at;
  const T *g, *x;
  Sum* partial;

  __device__ Sum a(int64_t group, int64_t i, int64_t l) const {
    const Triple o = split3(l, s.out_height, s.out_width);
    return static_cast<Sum>(g[o.a * g_at.at[0] + (group * s.out_channels + i) * g_at.at[1] +
                              o.b * g_at.at[2] + o.c * g_at.at[3]]);
  }
  __device__ Sum b(int64_t group, int64_t l, int64_t j) const {
    const int64_t at = input_offset(s, x_at, group, split3(j, s.kernel_height, s.kernel_width),
                                    split3(l, s.out_height, s.out_width));
    return at < 0 ? Sum(0) : static_cast<Sum>(x[at]);
  }
  __device__ void store(int64_t group, int64_t split, int64_t i, int64_t j, Sum sum) const {
    partial[((split * batch + group) * m + i) * n + j] = sum;
  }
};

// dw = sum of the parts, in order.
template <class T>
__global__ void __launch_bounds__(256)
    join_weight_kernel(Shape s, int64_t count, int64_t splits, const gpu::TileSum<T>* partial,
                       Strides4 dw_at, T* dw) {
  for (int64_t e = gpu::global_thread(); e < count; e += gpu::global_threads()) {
    gpu::TileSum<T> sum = 0;
    for (int64_t k = 0; k < splits; ++k) sum += partial[k * count + e];
    const Triple window = split3(e, s.kernel_height, s.kernel_width);
    const int64_t channel = gpu::fast_div(window.a, s.in_channels);
    dw[channel * dw_at.at[0] + (window.a - channel * s.in_channels) * dw_at.at[1] +
       window.b * dw_at.at[2] + window.c * dw_at.at[3]] = static_cast<T>(sum);
  }
}

template <class T> void forward(const Conv2d& a) {
  const ConvShape s = a.shape();
  const cuda::OnDevice stream(a.device());
  gpu::launch_tile_gemm(
      Forward<T>{s.out_channels, s.batch * s.out_height * s.out_width, s.window, s.groups, 1, false,
                 false, shape_of(s, a.window), strides_of(a.x), strides_of(a.weight),
                 strides_of(a.out), pointer<T>(a.x), pointer<T>(a.weight), pointer<T>(a.bias),
                 static_cast<T*>(a.out.raw_data())},
      stream);
}

template <class T> void backward_input(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  const cuda::OnDevice stream(a.device());
  gpu::launch_tile_gemm(
      BackwardInput<T>{s.in_channels, s.batch * s.in_height * s.in_width,
                       s.out_channels * a.window.kernel[0] * a.window.kernel[1], s.groups, 1, false,
                       false, shape_of(s, a.window), strides_of(a.g), strides_of(a.weight),
                       strides_of(a.dx), pointer<T>(a.g), pointer<T>(a.weight),
                       static_cast<T*>(a.dx.raw_data())},
      stream);
}

template <class T> void backward_weight(const Conv2dBackwardWeight& a) {
  using Sum = gpu::TileSum<T>;
  const ConvShape s = a.shape();
  const cuda::OnDevice stream(a.device());
  // Parts of at least 1024 products, as many as keep a device busy.
  const int64_t k = s.batch * s.out_height * s.out_width;
  const int64_t tiles = s.groups * gpu::ceil_div(s.out_channels, gpu::kTileSize) *
                        gpu::ceil_div(s.window, gpu::kTileSize);
  const int64_t splits =
      std::clamp<int64_t>(std::min<int64_t>(k / 1024, 512 / std::max<int64_t>(tiles, 1)), 1, 256);
  const int64_t count = s.groups * s.out_channels * s.window;
  const gpu::DeviceScratch<Sum> partial(a.device(), splits * count);
  gpu::launch_tile_gemm(
      BackwardWeight<T>{s.out_channels, s.window, k, s.groups, splits, false, true,
                        shape_of(s, a.window), strides_of(a.g), strides_of(a.x), pointer<T>(a.g),
                        pointer<T>(a.x), partial.data()},
      stream);
  if (count > 0) {
    gpu::launch(join_weight_kernel<T>, gpu::grid_for(count, 256), 256, 0, stream,
                shape_of(s, a.window), count, splits, partial.data(), strides_of(a.dw),
                static_cast<T*>(a.dw.raw_data()));
  }
  if (!a.db.defined()) return;
  // db: the sum over batch, height and width.
  const Tensor db =
      make_view(a.db, {1, a.db.numel(), 1, 1}, {0, a.db.strides()[0], 0, 0}, a.db.offset());
  reduce_into(ReduceOp::kSum, db, a.g, 0b1101);
}

void run_forward(const Conv2d& a) {
  visit_dtype(FloatTypes{}, "conv2d", a.dtype(), [&]<class T>() { forward<T>(a); });
}
void run_backward_input(const Conv2dBackwardInput& a) {
  visit_dtype(FloatTypes{}, "conv2d", a.dtype(), [&]<class T>() { backward_input<T>(a); });
}
void run_backward_weight(const Conv2dBackwardWeight& a) {
  visit_dtype(FloatTypes{}, "conv2d", a.dtype(), [&]<class T>() { backward_weight<T>(a); });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{});
const bool kForward = conv2d_kernels().add({"implicit_gemm", kCUDA, kFloats, run_forward, 1});
const bool kBackwardInput =
    conv2d_backward_input_kernels().add({"implicit_gemm", kCUDA, kFloats, run_backward_input, 1});
const bool kBackwardWeight =
    conv2d_backward_weight_kernels().add({"implicit_gemm", kCUDA, kFloats, run_backward_weight, 1});

}  // namespace
}  // namespace iolaus
