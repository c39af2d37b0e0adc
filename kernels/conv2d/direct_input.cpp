// conv2d and the gradient of its input on the CPU, by direct convolution (direct.h). The gradient
// is a correlation too: of g, with a margin, and for each remainder of the input's position by the
// stride with those weights that reach it. 16-bit types are computed in float32.
#include <algorithm>

#include "kernels/conv2d/dense.h"
#include "kernels/conv2d/direct.h"
#include "kernels/copy/copy.h"
#include "kernels/scratch.h"

namespace iolaus {
namespace {

using direct::Phase;
using direct::Plan;
using direct::PlaneLayout;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

template <class T> void forward(const Conv2d& a) {
  const ConvShape s = a.shape();
  const Window2d& win = a.window;
  const int64_t columns = s.out_width + (win.span(1) - 1) / win.stride[1];
  const int64_t band =
      direct::choose_band(s.batch * s.groups, s.out_channels, s.out_height, columns);
  PlaneLayout layout{s.in_height,
                     s.in_width,
                     {win.padding[0], win.padding[1]},
                     {win.stride[0], win.stride[1]},
                     band + (win.span(0) - 1) / win.stride[0],
                     columns};
  const int64_t last_rows = s.out_height - (s.out_height - 1) / band * band;
  const bool pack = win.stride[0] != 1 || win.stride[1] != 1 || win.padding[0] != 0 ||
                    win.padding[1] != 0 || (last_rows - 1) * columns + s.out_width < direct::kSlack;
  if (!pack) layout.rows = s.in_height;
  Scratch<int64_t> offsets(s.window), order(s.window);
  direct::tap_offsets(s, win, layout, offsets.data());
  for (int64_t t = 0; t < s.window; ++t) order[t] = t;
  Scratch<T> weights(a.weight.numel());
  for (int64_t g = 0; g < s.groups; ++g) {
    const int64_t at = g * s.out_channels * s.window;
    direct::pack_weights(a.weight.data<T>() + at, s.window, order.data(), s.window, s.out_channels,
                         weights.data() + at);
  }
  const Phase<T> phase{s.out_height,   s.out_width, s.window,    offsets.data(),
                       weights.data(), 0,           s.out_width, 1};
  direct::run(Plan<T>{s.batch, s.groups, a.x.data<T>(), s.in_channels, layout, pack, band,
                      win.stride[0], &phase, 1, a.bias.defined() ? a.bias.data<T>() : nullptr,
                      a.out.data<T>(), s.out_channels, s.out_height * s.out_width, s.out_height,
                      a.cost().flops});
}

// Positions i = q * stride + phase - padding of the input along one dimension, and the taps r that
// reach them, from output q + shift(r).
struct PhaseAxis {
  int64_t phase, stride, dilation, padding, taps;
  int64_t first, count;  // of q

  // The phases that some position has, numbered by their first position.
  static int64_t count_of(const Window2d& win, int d, int64_t size) {
    return std::min(win.stride[d], size);
  }
  PhaseAxis(const Window2d& win, int d, int64_t size, int64_t number)
      : phase((number + win.padding[d]) % win.stride[d]),
        stride(win.stride[d]),
        dilation(win.dilation[d]),
        padding(win.padding[d]),
        taps(win.kernel[d]) {
    first = -floor_div(phase - padding, stride);
    count = floor_div(size - 1 + padding - phase, stride) - first + 1;
  }
  bool reaches(int64_t r) const { return (phase - r * dilation) % stride == 0; }
  int64_t shift(int64_t r) const { return (phase - r * dilation) / stride; }
  int64_t position() const { return first * stride + phase - padding; }
};

// Range of the outputs that all phases of dimension d read, as [low, high].
struct Reach {
  int64_t low = 0, high = 0, rows = 0;
  Reach(const Window2d& win, int d, int64_t size) {
    bool any = false;
    for (int64_t n = 0; n < PhaseAxis::count_of(win, d, size); ++n) {
      const PhaseAxis axis(win, d, size, n);
      rows = std::max(rows, axis.count);
      for (int64_t r = 0; r < axis.taps; ++r) {
        if (axis.count <= 0 || !axis.reaches(r)) continue;
        const int64_t from = axis.first + axis.shift(r);
        low = any ? std::min(low, from) : from;
        high = any ? std::max(high, from + axis.count - 1) : from + axis.count - 1;
        any = true;
      }
    }
  }
};

template <class T> void backward_input(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  if (s.out_channels == 0) return fill(a.dx, 0);  // a sum over nothing
  const Window2d& win = a.window;
  const Reach reach_h(win, 0, s.in_height), reach_w(win, 1, s.in_width);
  // A phase that no tap reaches still writes its zeros, so a row is at least as long as a phase.
  const int64_t columns = std::max(reach_w.high - reach_w.low + 1, reach_w.rows);
  const int64_t band =
      direct::choose_band(s.batch * s.groups, s.in_channels, reach_h.rows, columns);
  const PlaneLayout layout{s.out_height,
                           s.out_width,
                           {-reach_h.low, -reach_w.low},
                           {1, 1},
                           reach_h.high - reach_h.low + 1 - reach_h.rows + band,
                           columns};
  const int64_t window = win.kernel[0] * win.kernel[1];
  const int64_t most = s.out_channels * window;
  const int64_t phase_rows = PhaseAxis::count_of(win, 0, s.in_height);
  const int64_t phase_columns = PhaseAxis::count_of(win, 1, s.in_width);
  const int64_t phase_count = phase_rows * phase_columns;
  Scratch<int64_t> offsets(most), order(most);  // each tap belongs to one phase
  Scratch<T> weights(a.weight.numel());
  Scratch<Phase<T>> phases(phase_count);
  int64_t used = 0, at = 0, index = 0;
  for (int64_t p = 0; p < phase_rows; ++p) {
    const PhaseAxis h(win, 0, s.in_height, p);
    for (int64_t q = 0; q < phase_columns; ++q, ++index) {
      const PhaseAxis w(win, 1, s.in_width, q);
      // The first channel's; the others' are the same, one plane later each.
      int64_t taps = 0;
      for (int64_t r = 0; r < h.taps; ++r) {
        for (int64_t c = 0; c < w.taps; ++c) {
          if (!h.reaches(r) || !w.reaches(c)) continue;
          offsets[used + taps] =
              (h.first + h.shift(r) - reach_h.low) * columns + w.first + w.shift(c) - reach_w.low;
          order[taps++] = r * w.taps + c;
        }
      }
      const int64_t one = taps;
      for (int64_t t = one; t < one * s.out_channels; ++t, ++taps) {
        offsets[used + t] = offsets[used + t - one] + layout.size();
        order[t] = order[t - one] + s.in_channels * window;
      }
      phases[index] = {h.count,
                       w.count,
                       taps,
                       offsets.data() + used,
                       weights.data() + at,
                       h.position() * s.in_width + w.position(),
                       win.stride[0] * s.in_width,
                       win.stride[1]};
      for (int64_t g = 0; g < s.groups; ++g, at += s.in_channels * taps) {
        direct::pack_weights(a.weight.data<T>() + g * s.out_channels * s.window, window,
                             order.data(), taps, s.in_channels, weights.data() + at);
      }
      used += taps;
    }
  }
  direct::run(Plan<T>{s.batch, s.groups, a.g.data<T>(), s.out_channels, layout, true, band, 1,
                      phases.data(), phase_count, nullptr, a.dx.data<T>(), s.in_channels,
                      s.in_height * s.in_width, reach_h.rows, a.cost().flops});
}

void run(const Conv2d& args) {
  if (args.out.numel() == 0) return;
  with_dense(args, [](const Conv2d& a) {
    a.dtype() == kFloat64 ? forward<double>(a) : forward<float>(a);
  });
}
void run(const Conv2dBackwardInput& args) {
  if (args.dx.numel() == 0) return;
  with_dense(args, [](const Conv2dBackwardInput& a) {
    a.dtype() == kFloat64 ? backward_input<double>(a) : backward_input<float>(a);
  });
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = conv2d_kernels().add({"direct", kCPU, kFloats, run, 1});
const bool kBackwardInput = conv2d_backward_input_kernels().add({"direct", kCPU, kFloats, run, 1});
}  // namespace

}  // namespace iolaus
