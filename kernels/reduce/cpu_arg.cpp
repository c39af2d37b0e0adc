// argmax and argmin on the CPU: the extreme value of each block by the vectorised loop, then a
// search for its first place; results side by side where a kept dimension is the dense one.
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

constexpr int64_t kBlock = 1024;
constexpr int64_t kShortRow = 64;  // rows up to here are taken side by side
constexpr int64_t kTile = 256;
constexpr int64_t kBand = int64_t{1} << 30;  // rows that are counted in 32 bits
constexpr int64_t kWork = 1 << 15;           // elements that are worth a thread

template <class T> bool is_nan(T x) { return x != x; }
// Whether x replaces best, which came before it.
template <class Step, class T> bool beats(T x, T best) {
  return !is_nan(best) & !(Step::step(best, x) == best);
}

int64_t offset_of(int64_t index, int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d > 0; --d) {
    at += index % sizes[d] * strides[d];
    index /= sizes[d];
  }
  return rank > 0 ? at + index * strides[0] : at;
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

// Rows begin ... end - 1 of a tile whose best elements so far, and their rows, are given. Places
// are counted from begin in integers of Acc's size, so that vectors of both have as many lanes.
template <class Step, class Acc, class T>
void arg_band(const Reduce& r, const T* x, int64_t stride, int64_t width, int64_t begin,
              int64_t end, Acc* best, int64_t* index) {
  using Place = std::conditional_t<sizeof(Acc) == 8, int64_t, int32_t>;
  alignas(64) Place place[kTile];
  alignas(64) Acc buffer[kTile];
  std::fill_n(place, width, Place{-1});
  for (int64_t i = begin; i < end; ++i) {
    const T* row = x + offset_of(i, r.reduced_rank, r.reduced_sizes, r.reduced_strides);
    const Acc* now = cpu::load_block<Acc, false>(row, width, stride, buffer);
    simd::run([&] {
      const Acc* from = now;
      Acc* most = best;
      const int64_t count = width;
      const auto here = static_cast<Place>(i - begin);
#pragma GCC ivdep
      for (int64_t j = 0; j < count; ++j) {
        const bool replaces = beats<Step>(from[j], most[j]);
        most[j] = replaces ? from[j] : most[j];
        place[j] = replaces ? here : place[j];
      }
    });
  }
  for (int64_t j = 0; j < width; ++j) index[j] = place[j] < 0 ? index[j] : begin + place[j];
}

template <class Step, class Acc, class T> void by_columns(const Reduce& r) {
  const int last = r.kept_rank - 1;
  const int64_t columns = r.kept_sizes[last], stride = r.kept_strides[last];
  const int64_t tiles = (columns + kTile - 1) / kTile;
  const int64_t grain =
      std::max<int64_t>(1, kWork / (r.reduced * std::min<int64_t>(columns, kTile)));
  parallel_for(r.kept / columns * tiles, grain, [&](int64_t begin, int64_t end) {
    alignas(64) Acc best[kTile];
    int64_t index[kTile];
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t % tiles * kTile, width = std::min(kTile, columns - first);
      const T* x = static_cast<const T*>(r.x) + first * stride +
                   offset_of(t / tiles, last, r.kept_sizes, r.kept_strides);
      for (int64_t j = 0; j < width; ++j) {
        best[j] = cpu::element<Acc, false>(x[j * stride]);
        index[j] = 0;
      }
      for (int64_t band = 1; band < r.reduced; band += kBand) {
        arg_band<Step>(r, x, stride, width, band, std::min(band + kBand, r.reduced), best, index);
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
  const bool short_rows = k >= 0 && r.reduced <= kShortRow && r.kept_sizes[k] >= 8;
  const bool columns = k >= 0 && d >= 0 &&
                       (short_rows || std::abs(r.kept_strides[k]) < std::abs(r.reduced_strides[d]));
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
