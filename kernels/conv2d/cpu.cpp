// The CPU's default for conv2d: oneDNN where its blocked layouts win, else direct convolution. The
// limits were measured on Sapphire Rapids with one thread, float32 (GFLOP/s, direct / oneDNN):
//   forward          3x32x32 -> 6, 5x5: 129 / 50    6x14x14 -> 16, 5x5: 109 / 146
//                    32x26x26 -> 64, 3x3: 118 / 116   256x8x8 -> 256, 3x3: 109 / 165
//   input gradient   64x32x32 -> 64, 3x3: 135 / 120   128x16x16 -> 256, 3x3: 138 / 161
//   weight gradient  6x14x14 -> 16, 5x5: 73 / 63    32x26x26 -> 64, 3x3: 98 / 109
#include "kernels/conv2d/variants.h"

namespace iolaus {
namespace {

// Channels that fill oneDNN's blocks, and a weight of at least so many elements.
bool fills_blocks(const ConvShape& s, int64_t elements) {
  return s.groups == 1 && s.out_channels % 16 == 0 && s.window * s.out_channels >= elements;
}

bool prefers_onednn(const Conv2d& a) {
  const ConvShape s = a.shape();
  // Direct convolution also computes the pixels between the rows.
  const int64_t columns = s.out_width + (a.window.span(1) - 1) / a.window.stride[1];
  const bool wasteful = 5 * s.out_width < 4 * columns;
  return fills_blocks(s, wasteful ? 2048 : 32768);
}
bool prefers_onednn(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  return s.in_channels % 16 == 0 && fills_blocks(s, 65536);
}
bool prefers_onednn(const Conv2dBackwardWeight& a) {
  const bool pointwise = a.window.kernel[0] * a.window.kernel[1] == 1;
  return !pointwise && fills_blocks(a.shape(), 16384);
}

template <class Args> void run(const Args& args) {
  if (args.dtype() == kFloat32 && prefers_onednn(args) && onednn::why_not(args) == nullptr) {
    return onednn::run(args);
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
