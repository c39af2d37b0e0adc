// conv2d as sums, for few channels in a group and above all depthwise convolution, where a product
// of matrices would be a row or a column wide. One thread an output of the forward and of the
// input's gradient, neighbours in memory order; the weights come from the cache. One block an
// element of the weight's gradient, which sums over batch and positions. Any strides, dilation and
// padding; sums in float (double for double); flops as Conv2d::cost. Deterministic.
#include "kernels/conv2d/shape.cuh"
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/reduce.h"

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

constexpr int kThreads = 256;
constexpr int64_t kMostChannels = 4;  // of a group

struct Pixel {
  int64_t n, channel, h, w;
};
// Element e of (n, channels, height, width), or where `last` of (n, height, width, channels).
__device__ __forceinline__ Pixel pixel_of(int64_t e, bool last, int64_t channels, int64_t height,
                                          int64_t width) {
  if (last) {
    const int64_t place = gpu::fast_div(e, channels);
    const Triple t = split3(place, height, width);
    return {t.a, e - place * channels, t.b, t.c};
  }
  const Triple t = split3(e, height, width);
  const int64_t n = gpu::fast_div(t.a, channels);
  return {n, t.a - n * channels, t.b, t.c};
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    conv2d_direct_kernel(Shape s, int64_t count, bool last, Strides4 x_at, Strides4 weight_at,
                         Strides4 out_at, const T* __restrict__ x, const T* __restrict__ weight,
                         const T* __restrict__ bias, T* out) {
  using A = MathType<T>;
  const int64_t channels = s.groups * s.out_channels;
  for (int64_t e = gpu::global_thread(); e < count; e += gpu::global_threads()) {
    const Pixel p = pixel_of(e, last, channels, s.out_height, s.out_width);
    const int64_t group = gpu::fast_div(p.channel, s.out_channels);
    const int64_t y0 = p.h * s.stride[0] - s.padding[0], x0 = p.w * s.stride[1] - s.padding[1];
    A sum = 0;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      const T* from = x + p.n * x_at.at[0] + (group * s.in_channels + c) * x_at.at[1];
      const T* factors = weight + p.channel * weight_at.at[0] + c * weight_at.at[1];
      for (int64_t r = 0; r < s.kernel_height; ++r) {
        const int64_t i = y0 + r * s.dilation[0];
        if (i < 0 || i >= s.in_height) continue;
        for (int64_t q = 0; q < s.kernel_width; ++q) {
          const int64_t j = x0 + q * s.dilation[1];
          if (j < 0 || j >= s.in_width) continue;
          sum += static_cast<A>(from[i * x_at.at[2] + j * x_at.at[3]]) *
                 static_cast<A>(factors[r * weight_at.at[2] + q * weight_at.at[3]]);
        }
      }
    }
    if (bias != nullptr) sum += static_cast<A>(bias[p.channel]);
    out[p.n * out_at.at[0] + p.channel * out_at.at[1] + p.h * out_at.at[2] + p.w * out_at.at[3]] =
        static_cast<T>(sum);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    conv2d_direct_input_kernel(Shape s, int64_t count, bool last, Strides4 g_at, Strides4 weight_at,
                               Strides4 dx_at, const T* __restrict__ g,
                               const T* __restrict__ weight, T* dx) {
  using A = MathType<T>;
  const int64_t channels = s.groups * s.in_channels;
  for (int64_t e = gpu::global_thread(); e < count; e += gpu::global_threads()) {
    const Pixel p = pixel_of(e, last, channels, s.in_height, s.in_width);
    const int64_t group = gpu::fast_div(p.channel, s.in_channels);
    const int64_t c = p.channel - group * s.in_channels;
    A sum = 0;
    for (int64_t k = group * s.out_channels; k < (group + 1) * s.out_channels; ++k) {
      const T* from = g + p.n * g_at.at[0] + k * g_at.at[1];
      const T* factors = weight + k * weight_at.at[0] + c * weight_at.at[1];
      for (int64_t r = 0; r < s.kernel_height; ++r) {
        // The output row whose window element r lies here, if there is one.
        const int64_t y = p.h + s.padding[0] - r * s.dilation[0];
        if (y < 0) break;
        const int64_t h = gpu::fast_div(y, s.stride[0]);
        if (h * s.stride[0] != y || h >= s.out_height) continue;
        for (int64_t q = 0; q < s.kernel_width; ++q) {
          const int64_t z = p.w + s.padding[1] - q * s.dilation[1];
          if (z < 0) break;
          const int64_t w = gpu::fast_div(z, s.stride[1]);
          if (w * s.stride[1] != z || w >= s.out_width) continue;
          sum += static_cast<A>(from[h * g_at.at[2] + w * g_at.at[3]]) *
                 static_cast<A>(factors[r * weight_at.at[2] + q * weight_at.at[3]]);
        }
      }
    }
    dx[p.n * dx_at.at[0] + p.channel * dx_at.at[1] + p.h * dx_at.at[2] + p.w * dx_at.at[3]] =
        static_cast<T>(sum);
  }
}

// Element e of dw (K, C, kh, kw), C the channels of a group.
template <class T>
__global__ void __launch_bounds__(kThreads)
    conv2d_direct_weight_kernel(Shape s, int64_t count, int64_t positions, Strides4 g_at,
                                Strides4 x_at, Strides4 dw_at, const T* __restrict__ g,
                                const T* __restrict__ x, T* dw) {
  using A = MathType<T>;
  for (int64_t e = blockIdx.x; e < count; e += gridDim.x) {
    const Triple t = split3(e, s.kernel_height, s.kernel_width);
    const int64_t k = gpu::fast_div(t.a, s.in_channels);
    const Triple window{t.a - k * s.in_channels, t.b, t.c};
    const int64_t group = gpu::fast_div(k, s.out_channels);
    A sum = 0;
    for (int64_t o = threadIdx.x; o < positions; o += kThreads) {
      const Triple output = split3(o, s.out_height, s.out_width);
      const int64_t at = input_offset(s, x_at, group, window, output);
      if (at < 0) continue;
      sum +=
          static_cast<A>(x[at]) * static_cast<A>(g[output.a * g_at.at[0] + k * g_at.at[1] +
                                                   output.b * g_at.at[2] + output.c * g_at.at[3]]);
    }
    sum = gpu::block_reduce(sum, A(0), gpu::Sum{});
    if (threadIdx.x == 0) {
      dw[k * dw_at.at[0] + window.a * dw_at.at[1] + window.b * dw_at.at[2] +
         window.c * dw_at.at[3]] = static_cast<T>(sum);
    }
  }
}

bool is_channels_last(const Tensor& t) {
  return !t.is_contiguous() && t.is_contiguous(MemoryFormat::kChannelsLast);
}

template <class T> void forward(const Conv2d& a) {
  if (a.out.numel() == 0) return;
  const cuda::OnDevice stream(a.device());
  gpu::launch(conv2d_direct_kernel<T>, gpu::grid_for(a.out.numel(), kThreads), kThreads, 0, stream,
              shape_of(a.shape(), a.window), a.out.numel(), is_channels_last(a.out),
              strides_of(a.x), strides_of(a.weight), strides_of(a.out), pointer<T>(a.x),
              pointer<T>(a.weight), pointer<T>(a.bias), static_cast<T*>(a.out.raw_data()));
}
template <class T> void backward_input(const Conv2dBackwardInput& a) {
  if (a.dx.numel() == 0) return;
  const cuda::OnDevice stream(a.device());
  gpu::launch(conv2d_direct_input_kernel<T>, gpu::grid_for(a.dx.numel(), kThreads), kThreads, 0,
              stream, shape_of(a.shape(), a.window), a.dx.numel(), is_channels_last(a.dx),
              strides_of(a.g), strides_of(a.weight), strides_of(a.dx), pointer<T>(a.g),
              pointer<T>(a.weight), static_cast<T*>(a.dx.raw_data()));
}
template <class T> void backward_weight(const Conv2dBackwardWeight& a) {
  const ConvShape s = a.shape();
  const cuda::OnDevice stream(a.device());
  if (a.dw.numel() > 0) {
    gpu::launch(conv2d_direct_weight_kernel<T>, gpu::grid_for(a.dw.numel(), 1), kThreads, 0, stream,
                shape_of(s, a.window), a.dw.numel(), s.batch * s.out_height * s.out_width,
                strides_of(a.g), strides_of(a.x), strides_of(a.dw), pointer<T>(a.g),
                pointer<T>(a.x), static_cast<T*>(a.dw.raw_data()));
  }
  if (!a.db.defined()) return;
  // db: the sum over batch, height and width.
  const Tensor db =
      make_view(a.db, {1, a.db.numel(), 1, 1}, {0, a.db.strides()[0], 0, 0}, a.db.offset());
  reduce_into(ReduceOp::kSum, db, a.g, 0b1101);
}

template <class Args> const char* why_not(const Args& a) {
  const ConvShape s = a.shape();
  return s.in_channels <= kMostChannels && s.out_channels <= kMostChannels
             ? nullptr
             : "a group has more than 4 input or output channels";
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
const bool kForward =
    conv2d_kernels().add({"direct", kCUDA, kFloats, run_forward, 2, why_not<Conv2d>});
const bool kBackwardInput = conv2d_backward_input_kernels().add(
    {"direct", kCUDA, kFloats, run_backward_input, 2, why_not<Conv2dBackwardInput>});
const bool kBackwardWeight = conv2d_backward_weight_kernels().add(
    {"direct", kCUDA, kFloats, run_backward_weight, 2, why_not<Conv2dBackwardWeight>});

}  // namespace
}  // namespace iolaus
