// The truth for conv2d: every product of the formulas, one after the other, summed in double.
// Tensors may have any strides.
#include "kernels/conv2d/conv2d.h"

namespace iolaus {
namespace {

// Elements of a tensor of rank 4 as double, by index.
template <class T> struct View4 {
  T* data;
  int64_t strides[4];
  explicit View4(const Tensor& t) : data(t.numel() == 0 ? nullptr : t.data<T>()) {
    for (size_t d = 0; d < 4; ++d) strides[d] = t.strides()[d];
  }
  T& at(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return data[a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]];
  }
  double get(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return static_cast<double>(static_cast<MathType<T>>(at(a, b, c, d)));
  }
};
template <class T> T from_double(double value) {
  return static_cast<T>(static_cast<MathType<T>>(value));
}

// Calls fn(r, s, i, j) for the window elements of output (h, w) that lie inside of the input.
template <class Fn>
void for_window(const ConvShape& s, const Window2d& win, int64_t h, int64_t w, Fn&& fn) {
  for (int64_t r = 0; r < win.kernel[0]; ++r) {
    const int64_t i = h * win.stride[0] + r * win.dilation[0] - win.padding[0];
    for (int64_t q = 0; q < win.kernel[1]; ++q) {
      const int64_t j = w * win.stride[1] + q * win.dilation[1] - win.padding[1];
      if (i >= 0 && i < s.in_height && j >= 0 && j < s.in_width) fn(r, q, i, j);
    }
  }
}

// Calls fn(n, k, h, w) for every output; k counts over all groups.
template <class Fn> void for_outputs(const ConvShape& s, Fn&& fn) {
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t k = 0; k < s.groups * s.out_channels; ++k) {
      for (int64_t h = 0; h < s.out_height; ++h) {
        for (int64_t w = 0; w < s.out_width; ++w) fn(n, k, h, w);
      }
    }
  }
}

template <class T> void forward(const Conv2d& a) {
  const ConvShape s = a.shape();
  const View4<T> x(a.x), weight(a.weight), out(a.out);
  for_outputs(s, [&](int64_t n, int64_t k, int64_t h, int64_t w) {
    const int64_t first = k / s.out_channels * s.in_channels;
    double sum = a.bias.defined() ? from_double<double>(a.bias.data<T>()[k]) : 0;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      for_window(s, a.window, h, w, [&](int64_t r, int64_t q, int64_t i, int64_t j) {
        sum += x.get(n, first + c, i, j) * weight.get(k, c, r, q);
      });
    }
    out.at(n, k, h, w) = from_double<T>(sum);
  });
}

template <class T> void backward_input(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  const View4<T> g(a.g), weight(a.weight), dx(a.dx);
  const int64_t channels = s.groups * s.in_channels, plane = s.in_height * s.in_width;
  std::vector<double> sums(static_cast<size_t>(s.batch * channels * plane), 0.0);
  for_outputs(s, [&](int64_t n, int64_t k, int64_t h, int64_t w) {
    const int64_t first = k / s.out_channels * s.in_channels;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      double* to = sums.data() + (n * channels + first + c) * plane;
      for_window(s, a.window, h, w, [&](int64_t r, int64_t q, int64_t i, int64_t j) {
        to[i * s.in_width + j] += g.get(n, k, h, w) * weight.get(k, c, r, q);
      });
    }
  });
  size_t from = 0;
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < s.in_height; ++i) {
        for (int64_t j = 0; j < s.in_width; ++j) dx.at(n, c, i, j) = from_double<T>(sums[from++]);
      }
    }
  }
}

template <class T> void backward_weight(const Conv2dBackwardWeight& a) {
  const ConvShape s = a.shape();
  const View4<T> g(a.g), x(a.x), dw(a.dw);
  const int64_t channels = s.groups * s.out_channels;
  const int64_t rows = a.window.kernel[0], columns = a.window.kernel[1];
  std::vector<double> sums(static_cast<size_t>(channels * s.window), 0.0);
  std::vector<double> bias(static_cast<size_t>(channels), 0.0);
  for_outputs(s, [&](int64_t n, int64_t k, int64_t h, int64_t w) {
    const int64_t first = k / s.out_channels * s.in_channels;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      double* to = sums.data() + k * s.window + c * rows * columns;
      for_window(s, a.window, h, w, [&](int64_t r, int64_t q, int64_t i, int64_t j) {
        to[r * columns + q] += g.get(n, k, h, w) * x.get(n, first + c, i, j);
      });
    }
    bias[static_cast<size_t>(k)] += g.get(n, k, h, w);
  });
  size_t from = 0;
  for (int64_t k = 0; k < channels; ++k) {
    for (int64_t c = 0; c < s.in_channels; ++c) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t q = 0; q < columns; ++q) dw.at(k, c, r, q) = from_double<T>(sums[from++]);
      }
    }
    if (a.db.defined()) a.db.data<T>()[k] = from_double<T>(bias[static_cast<size_t>(k)]);
  }
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

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kForward = conv2d_kernels().add({"reference", kCPU, kFloats, run_forward});
const bool kBackwardInput =
    conv2d_backward_input_kernels().add({"reference", kCPU, kFloats, run_backward_input});
const bool kBackwardWeight =
    conv2d_backward_weight_kernels().add({"reference", kCPU, kFloats, run_backward_weight});

}  // namespace
}  // namespace iolaus
