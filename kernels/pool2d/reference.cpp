// The truth for pooling: every window element of every output, one after the other, in double.
#include <cmath>

#include "kernels/pool2d/pool2d.h"

namespace iolaus {
namespace {

template <class T> double load(const T* p) { return static_cast<double>(MathType<T>(*p)); }
template <class T> T store(double value) { return static_cast<T>(static_cast<MathType<T>>(value)); }
template <class T> T* data_of(const Tensor& t) { return static_cast<T*>(t.raw_data()); }

// Calls fn(plane, h, w, offset of the output) for every output.
template <class Fn> void for_outputs(const PoolShape& s, Fn&& fn) {
  for (int64_t p = 0, o = 0; p < s.planes; ++p) {
    for (int64_t h = 0; h < s.out_height; ++h) {
      for (int64_t w = 0; w < s.out_width; ++w) fn(p, h, w, o++);
    }
  }
}

template <class T> void max_forward(const MaxPool2d& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  const Window2d& win = a.window;
  for_outputs(s, [&](int64_t p, int64_t h, int64_t w, int64_t o) {
    const T* plane = data_of<T>(a.x) + p * s.in_height * s.in_width;
    double best = 0;
    int64_t at = -1;
    for (int64_t r = 0; r < win.kernel[0]; ++r) {
      for (int64_t q = 0; q < win.kernel[1]; ++q) {
        const int64_t i = h * win.stride[0] - win.padding[0] + r * win.dilation[0];
        const int64_t j = w * win.stride[1] - win.padding[1] + q * win.dilation[1];
        if (i < 0 || i >= s.in_height || j < 0 || j >= s.in_width) continue;
        const double value = load(plane + i * s.in_width + j);
        // NaN wins, and the first of equals; PyTorch lets the last NaN win.
        if (at >= 0 && !(value > best) && !std::isnan(value)) continue;
        best = value, at = i * s.in_width + j;
      }
    }
    data_of<T>(a.out)[o] = store<T>(best);
    data_of<int32_t>(a.indices)[o] = static_cast<int32_t>(at);
  });
}

template <class T> void max_backward(const MaxPool2dBackward& a) {
  const PoolShape s = pool_shape(a.dx, a.g);
  const int64_t plane = s.in_height * s.in_width;
  std::vector<double> sums(static_cast<size_t>(a.dx.numel()), 0.0);
  for_outputs(s, [&](int64_t p, int64_t, int64_t, int64_t o) {
    const int64_t at = p * plane + data_of<int32_t>(a.indices)[o];
    sums[static_cast<size_t>(at)] += load(data_of<T>(a.g) + o);
  });
  for (size_t i = 0; i < sums.size(); ++i) data_of<T>(a.dx)[i] = store<T>(sums[i]);
}

template <class T> void gather(const MaxPool2dGather& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  for_outputs(s, [&](int64_t p, int64_t, int64_t, int64_t o) {
    const int64_t at = p * s.in_height * s.in_width + data_of<int32_t>(a.indices)[o];
    data_of<T>(a.out)[o] = data_of<T>(a.x)[at];
  });
}

template <class T> void average(const AvgPool2d& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  for_outputs(s, [&](int64_t p, int64_t h, int64_t w, int64_t o) {
    const auto rows = a.pooling.range(0, h, s.in_height, s.out_height);
    const auto columns = a.pooling.range(1, w, s.in_width, s.out_width);
    double sum = 0;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        sum += load(data_of<T>(a.x) + (p * s.in_height + i) * s.in_width + j);
      }
    }
    data_of<T>(a.out)[o] = store<T>(sum / static_cast<double>(a.pooling.divisor(rows, columns)));
  });
}

template <class T> void average_backward(const AvgPool2dBackward& a) {
  const PoolShape s = pool_shape(a.dx, a.g);
  std::vector<double> sums(static_cast<size_t>(a.dx.numel()), 0.0);
  for_outputs(s, [&](int64_t p, int64_t h, int64_t w, int64_t o) {
    const auto rows = a.pooling.range(0, h, s.in_height, s.out_height);
    const auto columns = a.pooling.range(1, w, s.in_width, s.out_width);
    const double divisor = static_cast<double>(a.pooling.divisor(rows, columns));
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        const auto at = static_cast<size_t>((p * s.in_height + i) * s.in_width + j);
        sums[at] += load(data_of<T>(a.g) + o) / divisor;
      }
    }
  });
  for (size_t i = 0; i < sums.size(); ++i) data_of<T>(a.dx)[i] = store<T>(sums[i]);
}

void run_max(const MaxPool2d& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { max_forward<T>(a); });
}
void run_max_backward(const MaxPool2dBackward& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { max_backward<T>(a); });
}
void run_gather(const MaxPool2dGather& a) {
  visit_dtype(FloatTypes{}, "max_pool2d", a.dtype(), [&]<class T>() { gather<T>(a); });
}
void run_average(const AvgPool2d& a) {
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() { average<T>(a); });
}
void run_average_backward(const AvgPool2dBackward& a) {
  visit_dtype(FloatTypes{}, "avg_pool2d", a.dtype(), [&]<class T>() { average_backward<T>(a); });
}

const std::vector<DType> kFloats = {kFloat32, kFloat64, kFloat16, kBFloat16};
const bool kMax = max_pool2d_kernels().add({"reference", kCPU, kFloats, run_max});
const bool kMaxBackward =
    max_pool2d_backward_kernels().add({"reference", kCPU, kFloats, run_max_backward});
const bool kGather = max_pool2d_gather_kernels().add({"reference", kCPU, kFloats, run_gather});
const bool kAverage = avg_pool2d_kernels().add({"reference", kCPU, kFloats, run_average});
const bool kAverageBackward =
    avg_pool2d_backward_kernels().add({"reference", kCPU, kFloats, run_average_backward});

}  // namespace
}  // namespace iolaus
