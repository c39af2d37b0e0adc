// adaptive_max_pool2d: the kernel set, its samples (even and uneven grids, more outputs than
// inputs, ties), the truth in double, and the CPU's variant, planes over the threads.
#include "kernels/pool2d/adaptive_max.h"

#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/domain.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

std::vector<AdaptiveMaxPool2d> samples(DType dtype) {
  std::vector<AdaptiveMaxPool2d> all;
  const std::pair<Dims, Dims> shapes[] = {
      {{2, 3, 7, 9}, {2, 3, 1, 1}},     {{2, 3, 7, 9}, {2, 3, 3, 2}}, {{3, 7, 9}, {3, 10, 4}},
      {{1, 2, 32, 33}, {1, 2, 31, 16}}, {{1, 1, 1, 1}, {1, 1, 1, 1}}, {{0, 2, 4, 4}, {0, 2, 2, 2}}};
  for (const auto& [in, out] : shapes) {
    for (const bool ties : {false, true}) {
      AdaptiveMaxPool2d& a = all.emplace_back();
      a.x = ties ? convert(sample_tensor(in, kInt8, 1, -2, 2), dtype, Device())
                 : sample_tensor(in, dtype, 2);
      a.out = empty(out, {.dtype = dtype}), a.indices = empty(out, {.dtype = kInt32});
    }
  }
  return all;
}

template <class T> void run_typed(const AdaptiveMaxPool2d& a) {
  using V = MathType<T>;
  const PoolShape s = pool_shape(a.x, a.out);
  const int64_t grain = 16384 / (s.in_width * (s.in_height / s.out_height + 1)) + 1;
  const T* x = static_cast<const T*>(a.x.raw_data());
  T* out = static_cast<T*>(a.out.raw_data());
  auto* indices = static_cast<int32_t*>(a.indices.raw_data());
  parallel_for(s.planes * s.out_height, grain, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const T* plane = x + row / s.out_height * s.in_height * s.in_width;
      const PoolSpan rows = adaptive_span(row % s.out_height, s.in_height, s.out_height);
      for (int64_t w = 0; w < s.out_width; ++w) {
        const PoolSpan columns = adaptive_span(w, s.in_width, s.out_width);
        int64_t at = rows.begin * s.in_width + columns.begin;
        V best = static_cast<V>(plane[at]);
        for (int64_t i = rows.begin; i < rows.end; ++i) {
          for (int64_t j = columns.begin; j < columns.end; ++j) {
            const V value = static_cast<V>(plane[i * s.in_width + j]);
            // NaN wins, the last one; of equals the first.
            if (!(value > best) && value == value) continue;
            best = value, at = i * s.in_width + j;
          }
        }
        out[row * s.out_width + w] = plane[at];
        indices[row * s.out_width + w] = static_cast<int32_t>(at);
      }
    }
  });
}

// The truth: the window as a list of places, in double.
void run_reference(const AdaptiveMaxPool2d& a) {
  const PoolShape s = pool_shape(a.x, a.out);
  for (int64_t o = 0; o < a.out.numel(); ++o) {
    const int64_t w = o % s.out_width, h = o / s.out_width % s.out_height;
    const int64_t plane = o / (s.out_width * s.out_height) * s.in_height * s.in_width;
    double best = -std::numeric_limits<double>::infinity();
    int64_t at = -1;
    for (int64_t place = 0; place < s.in_height * s.in_width; ++place) {
      const int64_t i = place / s.in_width, j = place % s.in_width;
      // floor(o H / O) <= i < ceil((o + 1) H / O), without divisions
      const bool in_rows =
          h * s.in_height < (i + 1) * s.out_height && i * s.out_height < (h + 1) * s.in_height;
      const bool in_columns =
          w * s.in_width < (j + 1) * s.out_width && j * s.out_width < (w + 1) * s.in_width;
      if (!in_rows || !in_columns) continue;
      const double value = load_real(a.x.raw_data(), a.x.dtype(), plane + place);
      if (at < 0 || value > best || std::isnan(value)) best = value, at = place;
    }
    store_real(a.out.raw_data(), a.out.dtype(), o, best);
    store_integer(a.indices.raw_data(), kInt32, o, at);
  }
}
void run_cpu(const AdaptiveMaxPool2d& a) {
  visit_dtype(FloatTypes{}, "adaptive_max_pool2d", a.dtype(), [&]<class T>() { run_typed<T>(a); });
}

const bool kReference =
    adaptive_max_pool2d_kernels().add({"reference", kCPU, dtypes_of(FloatTypes{}), run_reference});
const bool kCpu =
    adaptive_max_pool2d_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run_cpu, 1});

}  // namespace

std::string AdaptiveMaxPool2d::describe() const {
  return fmt::format("{} -> {}, adaptive", x.describe(), out.sizes().str());
}
Cost AdaptiveMaxPool2d::cost() const {
  return {static_cast<double>(x.numel()),
          static_cast<double>(x.nbytes() + out.nbytes() + indices.nbytes())};
}

KernelSet<AdaptiveMaxPool2d>& adaptive_max_pool2d_kernels() {
  static auto* set = new KernelSet<AdaptiveMaxPool2d>("pool2d", "adaptive_max_pool2d", samples);
  return *set;
}

}  // namespace iolaus
