// The kernel sets of conv2d, what they cost, and the sample arguments that every variant is checked
// with: shapes of 0 and 1, odd ones, around the register tiles (16 pixels), every option.
#include "kernels/conv2d/conv2d.h"

#include "kernels/check.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

ConvShape make_shape(const Dims& x, const Dims& weight, const Dims& out, int64_t groups) {
  ConvShape s;
  s.batch = x[0], s.groups = groups;
  s.in_channels = weight[1], s.in_height = x[2], s.in_width = x[3];
  s.out_channels = weight[0] / groups, s.out_height = out[2], s.out_width = out[3];
  s.window = weight[1] * weight[2] * weight[3];
  return s;
}

std::string describe_conv(const Tensor& a, const Tensor& b, const Tensor& out, const Window2d& w,
                          int64_t groups) {
  return fmt::format("{}, {} -> {}{}, {}, groups {}", a.describe(), b.describe(), out.sizes().str(),
                     out.is_contiguous() ? "" : " strided", w.str(), groups);
}

Cost conv_cost(const ConvShape& s, const Tensor& a, const Tensor& b, const Tensor& out) {
  const auto pixels = static_cast<double>(s.batch * s.out_height * s.out_width);
  const auto channels = static_cast<double>(s.groups * s.out_channels);
  return {2 * pixels * channels * static_cast<double>(s.window),
          static_cast<double>(a.nbytes() + b.nbytes() + out.nbytes())};
}

// One problem: sizes of x and weight, options, and how the tensors lie.
struct Problem {
  Dims x, weight;
  Window2d window = {};
  int64_t groups = 1;
  bool bias = true;
  MemoryFormat format = MemoryFormat::kContiguous;
};

std::vector<Problem> problems() {
  constexpr auto kLast = MemoryFormat::kChannelsLast;
  std::vector<Problem> list = {
      {{2, 3, 12, 12}, {6, 3, 5, 5}},
      {{1, 1, 1, 1}, {1, 1, 1, 1}},
      {{0, 3, 5, 5}, {4, 3, 3, 3}},
      {{2, 3, 7, 9}, {5, 3, 1, 1}, {.padding = {0, 0}}, 1, false},
      {{2, 2, 9, 17}, {3, 2, 3, 3}, {.padding = {1, 1}}},
      {{1, 4, 6, 34}, {17, 4, 3, 3}, {.padding = {1, 1}}},
      {{3, 2, 8, 11}, {4, 2, 3, 2}, {.stride = {2, 3}, .padding = {1, 1}}},
      {{2, 2, 11, 10}, {3, 2, 3, 3}, {.padding = {2, 0}, .dilation = {2, 3}}},
      {{2, 4, 7, 7}, {6, 2, 3, 3}, {.padding = {1, 1}}, 2},
      {{1, 6, 9, 8}, {6, 1, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, 6},
      {{1, 3, 8, 8}, {5, 3, 7, 7}, {.stride = {1, 1}, .padding = {3, 3}}, 1, false},
      {{2, 2, 5, 5}, {3, 2, 5, 5}, {.padding = {4, 4}}},
      {{1, 8, 5, 33}, {33, 8, 3, 3}},
      {{1, 2, 4, 70}, {2, 2, 1, 3}, {.padding = {0, 1}}},
      {{2, 16, 9, 9}, {32, 16, 3, 3}, {.padding = {1, 1}}},
      {{2, 33, 6, 7}, {31, 33, 1, 1}, {.stride = {2, 1}}},
      {{2, 3, 7, 9}, {5, 3, 3, 3}, {.padding = {1, 1}}, 1, true, kLast},
      {{2, 8, 6, 6}, {8, 4, 3, 3}, {.stride = {2, 2}, .padding = {1, 1}}, 2, true, kLast},
      {{2, 2, 3, 3}, {2, 2, 3, 3}, {.stride = {4, 4}}},
      {{2, 2, 3, 5}, {2, 2, 3, 2}, {.stride = {1, 40}, .padding = {1, 1}}},
      {{2, 0, 4, 5}, {3, 0, 2, 3}, {}},
      {{2, 3, 4, 5}, {0, 3, 2, 3}, {}},
      {{2, 16, 6, 6}, {0, 16, 3, 3}, {.stride = {2, 2}}},
      {{3, 16, 13, 15}, {16, 16, 3, 3}, {.padding = {1, 1}}, 1, false},
      {{1, 17, 4, 5}, {35, 17, 3, 3}, {.padding = {2, 2}}},
      {{9, 20, 7, 7}, {37, 20, 3, 3}, {.padding = {0, 2}}},
      {{1, 34, 30, 27}, {18, 34, 3, 3}, {.padding = {0, 0}}},
      {{2, 40, 10, 6}, {36, 20, 3, 3}, {.padding = {1, 0}}, 2},
      {{1, 1, 3, 3}, {1, 1, 3, 3}, {.padding = {4, 3}}},
      {{70, 3, 9, 8}, {9, 3, 3, 3}, {.padding = {1, 1}}},
      {{35, 4, 4, 5}, {6, 4, 3, 3}, {}},
      {{2, 7, 5, 6}, {139, 7, 3, 3}, {.padding = {1, 1}}},
      {{2, 139, 4, 5}, {7, 139, 3, 3}, {.stride = {2, 1}, .padding = {1, 1}}},
  };
  for (Problem& p : list) {
    for (int d = 0; d < 2; ++d) p.window.kernel[d] = p.weight[2 + static_cast<size_t>(d)];
  }
  return list;
}

Dims output_sizes(const Problem& p) {
  return {p.x[0], p.weight[0], p.window.output(0, p.x[2]), p.window.output(1, p.x[3])};
}

// Random values in the problem's memory format.
Tensor random(const Dims& sizes, DType dtype, const Problem& p, uint64_t seed) {
  const Tensor values = sample_tensor(sizes, dtype, seed);
  const Tensor out = empty(sizes, {.dtype = dtype, .memory_format = p.format});
  copy(values, out);
  return out;
}

std::vector<Conv2d> forward_samples(DType dtype) {
  std::vector<Conv2d> samples;
  for (const Problem& p : problems()) {
    Conv2d& a = samples.emplace_back();
    a.x = random(p.x, dtype, p, 1), a.weight = random(p.weight, dtype, p, 2);
    if (p.bias) a.bias = sample_tensor({p.weight[0]}, dtype, 3);
    a.out = empty(output_sizes(p), {.dtype = dtype, .memory_format = p.format});
    a.window = p.window, a.groups = p.groups;
  }
  return samples;
}

std::vector<Conv2dBackwardInput> backward_input_samples(DType dtype) {
  std::vector<Conv2dBackwardInput> samples;
  for (const Problem& p : problems()) {
    Conv2dBackwardInput& a = samples.emplace_back();
    a.g = random(output_sizes(p), dtype, p, 4), a.weight = random(p.weight, dtype, p, 5);
    a.dx = empty(p.x, {.dtype = dtype, .memory_format = p.format});
    a.window = p.window, a.groups = p.groups;
  }
  return samples;
}

std::vector<Conv2dBackwardWeight> backward_weight_samples(DType dtype) {
  std::vector<Conv2dBackwardWeight> samples;
  for (const Problem& p : problems()) {
    Conv2dBackwardWeight& a = samples.emplace_back();
    a.g = random(output_sizes(p), dtype, p, 6), a.x = random(p.x, dtype, p, 7);
    a.dw = empty(p.weight, {.dtype = dtype, .memory_format = p.format});
    if (p.bias) a.db = empty({p.weight[0]}, {.dtype = dtype});
    a.window = p.window, a.groups = p.groups;
  }
  return samples;
}

}  // namespace

ConvShape Conv2d::shape() const {
  return make_shape(x.sizes(), weight.sizes(), out.sizes(), groups);
}
ConvShape Conv2dBackwardInput::shape() const {
  return make_shape(dx.sizes(), weight.sizes(), g.sizes(), groups);
}
ConvShape Conv2dBackwardWeight::shape() const {
  return make_shape(x.sizes(), dw.sizes(), g.sizes(), groups);
}
int64_t Conv2dBackwardInput::reduction() const {
  const ConvShape s = shape();
  return s.out_channels * window.kernel[0] * window.kernel[1];
}

std::string Conv2d::describe() const { return describe_conv(x, weight, out, window, groups); }
std::string Conv2dBackwardInput::describe() const {
  return describe_conv(g, weight, dx, window, groups);
}
std::string Conv2dBackwardWeight::describe() const {
  return describe_conv(g, x, dw, window, groups);
}

Cost Conv2d::cost() const { return conv_cost(shape(), x, weight, out); }
Cost Conv2dBackwardInput::cost() const { return conv_cost(shape(), g, weight, dx); }
Cost Conv2dBackwardWeight::cost() const { return conv_cost(shape(), g, x, dw); }

KernelSet<Conv2d>& conv2d_kernels() {
  static auto* set = new KernelSet<Conv2d>("conv2d", "conv2d", forward_samples);
  return *set;
}
KernelSet<Conv2dBackwardInput>& conv2d_backward_input_kernels() {
  static auto* set =
      new KernelSet<Conv2dBackwardInput>("conv2d", "conv2d_backward_input", backward_input_samples);
  return *set;
}
KernelSet<Conv2dBackwardWeight>& conv2d_backward_weight_kernels() {
  static auto* set = new KernelSet<Conv2dBackwardWeight>("conv2d", "conv2d_backward_weight",
                                                         backward_weight_samples);
  return *set;
}

}  // namespace iolaus
