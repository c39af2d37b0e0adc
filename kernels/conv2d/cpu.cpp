// The CPU's default for conv2d: Winograd's for most 3 x 3 and 5 x 5 of stride 1, oneDNN where its
// blocked layouts win, else direct convolution. The limits of oneDNN were measured on Sapphire
// Rapids with one thread, float32 (GFLOP/s, direct / oneDNN):
//   forward          3x32x32 -> 6, 5x5: 129 / 50    6x14x14 -> 16, 5x5: 109 / 146
//                    32x26x26 -> 64, 3x3: 118 / 116   256x8x8 -> 256, 3x3: 109 / 165
//   input gradient   64x32x32 -> 64, 3x3: 135 / 120   128x16x16 -> 256, 3x3: 138 / 161
//   weight gradient  6x14x14 -> 16, 5x5: 73 / 63    32x26x26 -> 64, 3x3: 98 / 109
// Those of Winograd's and of strides were measured on Zen 5, batch 64 (direct / oneDNN / Winograd,
// forward, gradient of the input, of the weight):
//   16x28x28 -> 16, 3x3: 178 / 181 / 345, the gradients alike    64x7x7 -> 64: 72 / 240 / 554
//   16x14x14 -> 32, 5x5: 171 / 270 / 440, 168 / 267 / 393, 142 / 246 / 390
//   12x14x14 -> 24, 5x5: 175 / 196 / 293, 192 / 151 / 264, 144 / 88 / 238
//   16x14x14 -> 16, 7x7: 169 / 291, 170 / 287, 130 / 270
//   3x28x28 -> 16, 7x7: 200 / 257, 111 / 19, 164 / 228
//   16x28x28 -> 32, 3x3, stride 2: 133 / 179, 136 / 174, 103 / 183; 1x1: 43 / 83, 37 / 69, 32 / 70
#include <algorithm>
#include <string_view>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/vector.h"

namespace iolaus {
namespace {

// Channels that fill oneDNN's blocks, and a weight of at least so many elements.
bool fills_blocks(const ConvShape& s, int64_t elements) {
  return s.groups == 1 && s.out_channels % 16 == 0 && s.window * s.out_channels >= elements;
}

// Strided convolutions of short rows, which direct convolution has to pack element by element:
// its rows end within a vector.
bool is_strided_and_short(const ConvShape& s, const Window2d& window) {
  const bool strided = window.stride[0] * window.stride[1] > 1;
  return strided && s.out_width <= 16 && s.in_channels % 16 == 0 && fills_blocks(s, 0);
}

// Direct convolution also computes the pixels between the rows: as many as the window reaches.
bool is_wasteful(int64_t width, const Window2d& window) {
  return 5 * width < 4 * (width + (window.span(1) - 1) / window.stride[1]);
}

bool prefers_onednn(const Conv2d& a) {
  const ConvShape s = a.shape();
  if (is_strided_and_short(s, a.window)) return true;
  return fills_blocks(s, is_wasteful(s.out_width, a.window) ? 2048 : 32768);
}
bool prefers_onednn(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  if (is_strided_and_short(s, a.window)) return true;
  return s.in_channels % 16 == 0 &&
         fills_blocks(s, is_wasteful(s.in_width, a.window) ? 2048 : 65536);
}
bool prefers_onednn(const Conv2dBackwardWeight& a) {
  const ConvShape s = a.shape();
  if (is_strided_and_short(s, a.window)) return true;
  if (a.window.kernel[0] * a.window.kernel[1] == 1) return false;
  // Its kernels for images of few channels are written for AVX-512.
  if (s.in_channels <= 3 && vector_bytes() == 64) return fills_blocks(s, 0);
  const bool wasteful = s.in_channels % 16 == 0 && is_wasteful(s.out_width, a.window);
  return fills_blocks(s, wasteful ? 2048 : 16384);
}

// Winograd's convolution where the channels fill its vectors, the tiles cover few pixels outside of
// the image, and there are enough of them to pay for the transforms of the weights.
bool suits_winograd(const ConvShape& s, const Window2d& window, int64_t height, int64_t width) {
  const int64_t kernel = window.kernel[0], least = kernel == 5 ? 10 : 16;
  if ((kernel != 3 && kernel != 5) || window.kernel[1] != kernel) return false;
  const auto fills = [&](int64_t channels) {
    return channels >= least && 8 * channels >= 5 * winograd::blocks(channels) * winograd::lanes();
  };
  const int64_t tile = winograd::tile_of(kernel);
  const int64_t tiles = winograd::tiles_of(tile, height, width);
  return fills(s.in_channels) && fills(s.out_channels) &&
         (kernel == 5 ? 4 : 2) * height * width >= tiles * tile * tile &&
         s.batch * tiles >= std::max<int64_t>(16, s.in_channels * s.out_channels / 1024);
}
bool prefers_winograd(const Conv2d& a) {
  const ConvShape s = a.shape();
  return suits_winograd(s, a.window, s.out_height, s.out_width);
}
bool prefers_winograd(const Conv2dBackwardInput& a) {
  // Its tiles cover the input; where that is much larger than the output, oneDNN computes less.
  const ConvShape s = a.shape();
  const bool much = s.in_height * s.in_width > 3 * s.out_height * s.out_width;
  if (much && prefers_onednn(a)) return false;
  return suits_winograd(s, a.window, s.in_height, s.in_width);
}
bool prefers_winograd(const Conv2dBackwardWeight& a) {
  const ConvShape s = a.shape();
  return suits_winograd(s, a.window, s.out_height, s.out_width);
}

KernelSet<Conv2d>& set_of(const Conv2d&) { return conv2d_kernels(); }
KernelSet<Conv2dBackwardInput>& set_of(const Conv2dBackwardInput&) {
  return conv2d_backward_input_kernels();
}
KernelSet<Conv2dBackwardWeight>& set_of(const Conv2dBackwardWeight&) {
  return conv2d_backward_weight_kernels();
}

// The variants that are chosen from, registered by their own files.
template <class Args> struct Choices {
  KernelSet<Args>& set;
  const VariantInfo *winograd, *onednn, *direct;

  explicit Choices(const Args& args)
      : set(set_of(args)),
        winograd(find("winograd")),
        onednn(find("onednn")),
        direct(find("direct")) {}
  // Whether the variant could run, and did.
  bool run(const VariantInfo* variant, const Args& args) const {
    return set.run(*variant, args) == nullptr;
  }

 private:
  const VariantInfo* find(std::string_view name) const {
    for (const VariantInfo* v : set.variants()) {
      if (v->device == kCPU && v->name == name) return v;
    }
    fail(ErrorCode::kInternal, "[{}] has no variant {} for the CPU", set.name(), name);
  }
};

template <class Args> void run(const Args& args) {
  static const Choices<Args> choices(args);
  if (args.dtype() == kFloat32) {
    if (prefers_winograd(args) && choices.run(choices.winograd, args)) return;
    if (prefers_onednn(args) && choices.run(choices.onednn, args)) return;
  }
  choices.run(choices.direct, args);
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = conv2d_kernels().add({"cpu", kCPU, kFloats, run<Conv2d>, 2});
const bool kBackwardInput =
    conv2d_backward_input_kernels().add({"cpu", kCPU, kFloats, run<Conv2dBackwardInput>, 2});
const bool kBackwardWeight =
    conv2d_backward_weight_kernels().add({"cpu", kCPU, kFloats, run<Conv2dBackwardWeight>, 2});

}  // namespace
}  // namespace iolaus
