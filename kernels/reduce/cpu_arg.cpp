// argmax and argmin on the CPU: the extreme value of each block by the vectorised loop, then a
// search for its first place; results side by side where a kept dimension is the dense one.
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kTile = 128;
constexpr int64_t kWork = 1 << 15;  // elements that are worth a thread

template <class T> bool is_nan(T x) { return x != x; }
// Whether x replaces best, which came before it.
template <class Step, class T> bool beats(T x, T best) {
  return !is_nan(best) & !(Step::step(best, x) == best);
}

int64_t offset_of(int64_t index, int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d >= 0; --d) {
    at += index % sizes[d] * strides[d];
    index /= sizes[d];
  }
  return at;
}

// The first place of value, which is there: a block of 64 is looked at as a whole.
template <class Acc> int64_t find(const Acc* x, int64_t n, Acc value) {
  constexpr int64_t kAtOnce = 64;
  const auto same = [value](Acc y) { return (y == value) | (is_nan(value) & is_nan(y)); };
  int64_t i = 0;
  for (bool found = false; i + kAtOnce <= n; i += kAtOnce) {
    simd::run([&] {
      const Acc* block = x + i;
      int any = 0;
      for (int64_t j = 0; j < kAtOnce; ++j) any |= same(block[j]) ? 1 : 0;
      found = any != 0;
    });
    if (found) break;
  }
  while (i < n && !same(x[i])) ++i;
  return std::min(i, n - 1);
}

template <class Step, class Acc, class T> int64_t arg_row(const Reduce& r, int64_t base) {
  const int last = r.reduced_rank - 1;
  const int64_t size = last < 0 ? 1 : r.reduced_sizes[last];
  const int64_t stride = last < 0 ? 1 : r.reduced_strides[last];
  alignas(64) Acc buffer[kBlock];
  Acc best{};
  int64_t best_index = -1;
  for (int64_t o = 0; o < r.reduced / size; ++o) {
    const T* x = static_cast<const T*>(r.x) + base +
                 (last < 1 ? 0 : offset_of(o, last, r.reduced_sizes, r.reduced_strides));
    for (int64_t i = 0; i < size; i += kBlock) {
      const int64_t n = std::min(kBlock, size - i);
      const Acc* block = cpu::load_block<Acc, false>(x + i * stride, n, stride, buffer);
      const Acc extreme = cpu::reduce_row<Step>(block, n);
      if (best_index >= 0 && !beats<Step>(extreme, best)) continue;
      best = extreme;
      best_index = o * size + i + find(block, n, extreme);
    }
  }
  return best_index;
}

template <class Step, class Acc, class T> void by_rows(const Reduce& r) {
  const int64_t grain = std::max<int64_t>(1, kWork / r.reduced);
  parallel_for(r.kept, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = offset_of(i, r.kept_rank, r.kept_sizes, r.kept_strides);
      static_cast<int64_t*>(r.out)[offset_of(i, r.kept_rank, r.kept_sizes, r.out_strides)] =
          arg_row<Step, Acc, T>(r, at);
    }
  });
}

template <class Step, class Acc, class T> void by_columns(const Reduce& r) {
  const int last = r.kept_rank - 1;
  const int64_t columns = r.kept_sizes[last], stride = r.kept_strides[last];
  const int64_t tiles = (columns + kTile - 1) / kTile;
  const int64_t grain =
      std::max<int64_t>(1, kWork / (r.reduced * std::min<int64_t>(columns, kTile)));
  parallel_for(r.kept / columns * tiles, grain, [&](int64_t begin, int64_t end) {
    alignas(64) Acc buffer[kTile], best[kTile];
    int64_t index[kTile];
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % tiles * kTile, width = std::min(kTile, columns - first);
      const T* x = static_cast<const T*>(r.x) + first * stride +
                   offset_of(t / tiles, last, r.kept_sizes, r.kept_strides);
      for (int64_t i = 0; i < r.reduced; ++i) {
        const int64_t at = offset_of(i, r.reduced_rank, r.reduced_sizes, r.reduced_strides);
        const Acc* row = cpu::load_block<Acc, false>(x + at, width, stride, buffer);
        if (i == 0) {
          std::copy_n(row, width, best);
          std::fill_n(index, width, int64_t{0});
          continue;
        }
        simd::run([&] {
          const Acc* now = row;
          for (int64_t j = 0; j < width; ++j) {
            const bool replaces = beats<Step>(now[j], best[j]);
            best[j] = replaces ? now[j] : best[j];
            index[j] = replaces ? i : index[j];
          }
        });
      }
      int64_t* out = static_cast<int64_t*>(r.out) + first * r.out_strides[last] +
                     offset_of(t / tiles, last, r.kept_sizes, r.out_strides);
      for (int64_t j = 0; j < width; ++j) out[j * r.out_strides[last]] = index[j];
    }
  });
}

template <class Step> void run(const Reduce& r) {
  if (r.kept == 0) return;
  IOLAUS_CHECK(r.reduced > 0, "[{}] expected at least one element to choose from",
               reduce_name(r.op));
  const int k = r.kept_rank - 1, d = r.reduced_rank - 1;
  const bool columns =
      k >= 0 && d >= 0 && std::abs(r.kept_strides[k]) < std::abs(r.reduced_strides[d]);
  visit_dtype(AllTypes{}, "reduce", r.element, [&]<class T>() {
    using Acc = std::conditional_t<is_floating(dtype_of<T>), MathType<T>, int64_t>;
    if (columns) {
      by_columns<Step, Acc, T>(r);
    } else {
      by_rows<Step, Acc, T>(r);
    }
  });
}

const bool kMax = reduce_kernels(ReduceOp::kArgmax)
                      .add({"cpu", kCPU, dtypes_of(AllTypes{}), run<cpu::MaxStep>, 1});
const bool kMin = reduce_kernels(ReduceOp::kArgmin)
                      .add({"cpu", kCPU, dtypes_of(AllTypes{}), run<cpu::MinStep>, 1});

}  // namespace
}  // namespace iolaus
