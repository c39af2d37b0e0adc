// The CPU's default for conv2d: Winograd's for most 3 x 3 of stride 1, oneDNN where its blocked
// layouts win, else direct convolution. The limits of oneDNN were measured on Sapphire Rapids with
// one thread, float32 (GFLOP/s, direct / oneDNN):
//   forward          3x32x32 -> 6, 5x5: 129 / 50    6x14x14 -> 16, 5x5: 109 / 146
//                    32x26x26 -> 64, 3x3: 118 / 116   256x8x8 -> 256, 3x3: 109 / 165
//   input gradient   64x32x32 -> 64, 3x3: 135 / 120   128x16x16 -> 256, 3x3: 138 / 161
//   weight gradient  6x14x14 -> 16, 5x5: 73 / 63    32x26x26 -> 64, 3x3: 98 / 109
// Those of Winograd's and of strides were measured on Zen 5, batch 64 (direct / oneDNN / Winograd,
// forward, gradient of the input, of the weight):
//   16x28x28 -> 16, 3x3: 178 / 181 / 345, the gradients alike    64x7x7 -> 64: 72 / 240 / 554
//   16x28x28 -> 32, 3x3, stride 2: 133 / 179, 136 / 174, 103 / 183; 1x1: 43 / 83, 37 / 69, 32 / 70
#include <algorithm>

#include "kernels/conv2d/variants.h"
#include "kernels/conv2d/winograd.h"

namespace iolaus {
namespace {

// Channels that fill oneDNN's blocks, and a weight of at least so many elements.
bool fills_blocks(const ConvShape& s, int64_t elements) {
  return s.groups == 1 && s.out_channels % 16 == 0 && s.window * s.out_channels >= elements;
}

// Strided convolutions of short rows, which direct convolution has to pack element by element:
// its rows end within a vector.
template <class Args> bool is_strided_and_short(const Args& a) {
  const ConvShape s = a.shape();
  const bool strided = a.window.stride[0] * a.window.stride[1] > 1;
  return strided && s.out_width <= 16 && s.in_channels % 16 == 0 && fills_blocks(s, 0);
}

bool prefers_onednn(const Conv2d& a) {
  if (is_strided_and_short(a)) return true;
  const ConvShape s = a.shape();
  // Direct convolution also computes the pixels between the rows.
  const int64_t columns = s.out_width + (a.window.span(1) - 1) / a.window.stride[1];
  const bool wasteful = 5 * s.out_width < 4 * columns;
  return fills_blocks(s, wasteful ? 2048 : 32768);
}
bool prefers_onednn(const Conv2dBackwardInput& a) {
  if (is_strided_and_short(a)) return true;
  const ConvShape s = a.shape();
  return s.in_channels % 16 == 0 && fills_blocks(s, 65536);
}
bool prefers_onednn(const Conv2dBackwardWeight& a) {
  if (is_strided_and_short(a)) return true;
  const bool pointwise = a.window.kernel[0] * a.window.kernel[1] == 1;
  return !pointwise && fills_blocks(a.shape(), 16384);
}

// Winograd's convolution where the channels fill its vectors, the tiles cover few pixels outside of
// the image, and there are enough of them to pay for the transforms of the weights.
bool suits_winograd(const ConvShape& s, const Window2d& window, int64_t height, int64_t width) {
  const auto fills = [](int64_t channels) {
    return channels >= 16 && 8 * channels >= 5 * winograd::blocks(channels) * winograd::lanes();
  };
  const int64_t tile = winograd::tile_of(window.kernel[0]);
  const int64_t tiles = winograd::tiles_of(tile, height, width);
  return fills(s.in_channels) && fills(s.out_channels) &&
         2 * height * width >= tiles * tile * tile &&
         s.batch * tiles >= std::max<int64_t>(16, s.in_channels * s.out_channels / 1024);
}
bool prefers_winograd(const Conv2d& a) {
  const ConvShape s = a.shape();
  return suits_winograd(s, a.window, s.out_height, s.out_width);
}
bool prefers_winograd(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  return suits_winograd(s, a.window, s.in_height, s.in_width);
}
bool prefers_winograd(const Conv2dBackwardWeight& a) {
  const ConvShape s = a.shape();
  return suits_winograd(s, a.window, s.out_height, s.out_width);
}

template <class Args> void run(const Args& args) {
  if (args.dtype() == kFloat32) {
    if (winograd::why_not(args) == nullptr && prefers_winograd(args)) return winograd::run(args);
    if (prefers_onednn(args) && onednn::why_not(args) == nullptr) return onednn::run(args);
  }
  direct::run(args);
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = conv2d_kernels().add({"cpu", kCPU, kFloats, run<Conv2d>, 2});
const bool kBackwardInput =
    conv2d_backward_input_kernels().add({"cpu", kCPU, kFloats, run<Conv2dBackwardInput>, 2});
const bool kBackwardWeight =
    conv2d_backward_weight_kernels().add({"cpu", kCPU, kFloats, run<Conv2dBackwardWeight>, 2});

}  // namespace
}  // namespace iolaus
