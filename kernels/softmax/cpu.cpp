// softmax on the CPU: long dense rows one by one, all others side by side (see cpu_rows.h); the
// result is written from x and the row's statistics.
#include "kernels/elementwise/domain.h"
#include "kernels/softmax/cpu_rows.h"
#include "kernels/softmax/softmax.h"

namespace iolaus {
namespace {

using cpu::kLanes;
using cpu::kRowBlock;
using cpu::Rows;

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

// out[i * stride] = value[i], converted.
template <class T> void store_block(const MathType<T>* value, int64_t n, int64_t stride, T* out) {
  if (stride == 1) {
    if (static_cast<const void*>(value) == out) return;
    simd::run([&] {
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(value[i]);
    });
  } else {
    for (int64_t i = 0; i < n; ++i) out[i * stride] = static_cast<T>(value[i]);
  }
}

template <class T> void forward_lanes(const Rows<T>& rows, T* out, bool log) {
  using Math = MathType<T>;
  alignas(64) Math shift[kLanes], scale[kLanes], buffer[kLanes], y[kLanes];
  cpu::row_statistics(rows, shift, scale);
  const int64_t lanes = rows.lanes;
  simd::run([&] {
    for (int64_t r = 0; r < lanes; ++r) {
      shift[r] += log ? math::log(scale[r]) : Math(0);
      scale[r] = Math(1) / scale[r];
    }
  });
  for (int64_t j = 0; j < rows.n; ++j) {
    const Math* x = rows.load(j, buffer);
    simd::run([&] {
      if (log) {
        for (int64_t r = 0; r < lanes; ++r) y[r] = x[r] - shift[r];
      } else {
        for (int64_t r = 0; r < lanes; ++r) y[r] = math::exp(x[r] - shift[r]) * scale[r];
      }
    });
    store_block(y, lanes, rows.lane_stride, out + j * rows.stride);
  }
}

template <class T> void forward_long(const T* x, T* out, int64_t n, bool log) {
  using Math = MathType<T>;
  alignas(64) Math buffer[kRowBlock];
  constexpr bool kInPlace = std::is_same_v<T, Math>;  // exponentials are kept in the output
  Math largest, sum, *exps = nullptr;
  if constexpr (kInPlace) exps = log ? nullptr : out;
  cpu::long_row_statistics(x, n, largest, sum, exps);
  const Math shift = log ? largest + math::log(sum) : largest, scale = Math(1) / sum;
  for (int64_t j = 0; j < n; j += kRowBlock) {
    const int64_t count = std::min(kRowBlock, n - j);
    const Math* block =
        exps != nullptr ? exps + j : cpu::load_block<Math, false>(x + j, count, 1, buffer);
    Math* y = buffer;
    if constexpr (kInPlace) y = out + j;
    simd::run([&] {
      if (log) {
        for (int64_t i = 0; i < count; ++i) y[i] = block[i] - shift;
      } else if (exps != nullptr) {
        for (int64_t i = 0; i < count; ++i) y[i] = block[i] * scale;
      } else {
        for (int64_t i = 0; i < count; ++i) y[i] = math::exp(block[i] - shift) * scale;
      }
    });
    store_block(static_cast<const Math*>(y), count, 1, out + j);
  }
}

// Rows of up to kReduceBlock elements, some at once.
template <class T> void forward_dense(const T* x, T* out, int64_t n, int64_t rows, bool log) {
  using Math = MathType<T>;
  alignas(64) Math exps[cpu::kRowsAtOnce];
  Math largest[cpu::kReduceRows], sum[cpu::kReduceRows];
  for (int64_t taken = 0; rows > 0; rows -= taken, x += taken * n, out += taken * n) {
    taken = cpu::dense_statistics(x, n, rows, largest, sum, exps);
    simd::run([&] {
      for (int64_t i = 0; i < taken; ++i) {
        const Math shift = largest[i] + math::log(sum[i]), scale = Math(1) / sum[i];
        const Math* terms = exps + i * n;
        const T* from = x + i * n;
        T* to = out + i * n;
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) {
          to[j] = static_cast<T>(log ? static_cast<Math>(from[j]) - shift : terms[j] * scale);
        }
      }
    });
  }
}

// dx of lanes from the result y and the gradient g.
template <class T> void backward_lanes(const Rows<T>& ys, const Rows<T>& gs, T* out, bool log) {
  using Math = MathType<T>;
  alignas(64) Math y_buffer[kLanes], g_buffer[kLanes], dx[kLanes];
  double total[kLanes] = {};
  const int64_t lanes = ys.lanes;
  for (int64_t j = 0; j < ys.n; ++j) {
    const Math *y = ys.load(j, y_buffer), *g = gs.load(j, g_buffer);
    simd::run([&] {
      for (int64_t r = 0; r < lanes; ++r) {
        total[r] += static_cast<double>(log ? g[r] : g[r] * y[r]);
      }
    });
  }
  for (int64_t j = 0; j < ys.n; ++j) {
    const Math *y = ys.load(j, y_buffer), *g = gs.load(j, g_buffer);
    simd::run([&] {
      if (log) {
        for (int64_t r = 0; r < lanes; ++r) {
          dx[r] = g[r] - math::exp(y[r]) * static_cast<Math>(total[r]);
        }
      } else {
        for (int64_t r = 0; r < lanes; ++r) dx[r] = y[r] * (g[r] - static_cast<Math>(total[r]));
      }
    });
    store_block(dx, lanes, ys.lane_stride, out + j * ys.stride);
  }
}

template <class T> void backward_long(const T* y, const T* g, T* out, int64_t n, bool log) {
  using Math = MathType<T>;
  alignas(64) Math y_buffer[kRowBlock], g_buffer[kRowBlock], dx[kRowBlock];
  double total = 0;
  for (int64_t j = 0; j < n; j += kRowBlock) {
    const int64_t count = std::min(kRowBlock, n - j);
    const Math* gs = cpu::load_block<Math, false>(g + j, count, 1, g_buffer);
    if (!log) {
      const Math* ys = cpu::load_block<Math, false>(y + j, count, 1, y_buffer);
      simd::run([&] {
        for (int64_t i = 0; i < count; ++i) dx[i] = gs[i] * ys[i];
      });
      gs = dx;
    }
    total += static_cast<double>(cpu::reduce_row<cpu::SumStep>(gs, count));
  }
  const Math sum = static_cast<Math>(total);
  for (int64_t j = 0; j < n; j += kRowBlock) {
    const int64_t count = std::min(kRowBlock, n - j);
    const Math* gs = cpu::load_block<Math, false>(g + j, count, 1, g_buffer);
    const Math* ys = cpu::load_block<Math, false>(y + j, count, 1, y_buffer);
    simd::run([&] {
      if (log) {
        for (int64_t i = 0; i < count; ++i) dx[i] = gs[i] - math::exp(ys[i]) * sum;
      } else {
        for (int64_t i = 0; i < count; ++i) dx[i] = ys[i] * (gs[i] - sum);
      }
    });
    store_block(static_cast<const Math*>(dx), count, 1, out + j);
  }
}

// Calls lanes(offset, stride, lane_stride, count) for groups of rows, or rows(offset, count) for
// long ones.
template <class LanesFn, class RowsFn>
void for_each_row(const Softmax& s, LanesFn&& lanes, RowsFn&& rows) {
  if (s.outer * s.inner * s.n == 0) return;
  const int64_t row_grain = std::max<int64_t>(1, kGrain / s.n);
  if (s.inner == 1 && s.n > cpu::kShortRow) {
    return parallel_for(s.outer, row_grain,
                        [&](int64_t begin, int64_t end) { rows(begin * s.n, end - begin); });
  }
  // Short dense rows follow each other n apart; others are neighbours.
  const int64_t across = s.inner == 1 ? s.outer : s.inner, outer = s.inner == 1 ? 1 : s.outer;
  const int64_t groups = (across + kLanes - 1) / kLanes;
  parallel_for(outer * groups, std::max<int64_t>(1, row_grain / kLanes),
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t first = t % groups * kLanes;
                   const int64_t count = std::min(kLanes, across - first);
                   if (s.inner == 1) {
                     lanes(first * s.n, int64_t{1}, s.n, count);
                   } else {
                     lanes(t / groups * s.n * s.inner + first, s.inner, int64_t{1}, count);
                   }
                 }
               });
}

void forward(const Softmax& s) {
  visit_dtype(FloatTypes{}, "softmax", s.element, [&]<class T>() {
    const T* x = static_cast<const T*>(s.x);
    T* out = static_cast<T*>(s.out);
    for_each_row(
        s,
        [&](int64_t at, int64_t stride, int64_t lane_stride, int64_t lanes) {
          forward_lanes<T>({x + at, s.n, stride, lane_stride, lanes}, out + at, s.log);
        },
        [&](int64_t at, int64_t rows) {
          if (s.n <= cpu::kReduceBlock) return forward_dense(x + at, out + at, s.n, rows, s.log);
          for (int64_t i = at; i < at + rows * s.n; i += s.n) {
            forward_long(x + i, out + i, s.n, s.log);
          }
        });
  });
}

void backward(const Softmax& s) {
  visit_dtype(FloatTypes{}, "softmax_backward", s.element, [&]<class T>() {
    const T *y = static_cast<const T*>(s.x), *g = static_cast<const T*>(s.g);
    T* out = static_cast<T*>(s.out);
    for_each_row(
        s,
        [&](int64_t at, int64_t stride, int64_t lane_stride, int64_t lanes) {
          backward_lanes<T>({y + at, s.n, stride, lane_stride, lanes},
                            {g + at, s.n, stride, lane_stride, lanes}, out + at, s.log);
        },
        [&](int64_t at, int64_t rows) {
          for (int64_t i = at; i < at + rows * s.n; i += s.n) {
            backward_long(y + i, g + i, out + i, s.n, s.log);
          }
        });
  });
}

const bool kForward = softmax_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), forward, 1});
const bool kBackward =
    softmax_backward_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), backward, 1});

}  // namespace
}  // namespace iolaus
