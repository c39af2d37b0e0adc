// indexing on the CPU. gather copies rows where the index is the same along them, else elements.
// scatter gives each thread its own part of the output (a slab of rows, or of the places in a row)
// and lets it walk the index in order, so that the result does not depend on the number of threads.
// Indices are looked at just before they are used; what a wrong one would reach is left alone.
#include <atomic>
#include <cstring>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/indexing/combine.h"
#include "kernels/scratch.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread
constexpr int64_t kColumns = 16;     // lines of x that are gathered from at once
constexpr int64_t kLine = 2048;      // indices that are checked at once

// out[k] = x[index[k]] of a line of one element each. Loads one by one are faster than instructions
// that gather.
template <class T>
void gather_line(const T* x, int64_t stride, const int64_t* index, int64_t index_stride,
                 int64_t count, T* out) {
  int64_t k = 0;
  if (stride == 1 && index_stride == 1) {
    for (; k + 8 <= count; k += 8) {
#pragma GCC unroll 8
      for (int64_t i = k; i < k + 8; ++i) out[i] = x[index[i]];
    }
  }
  for (; k < count; ++k) out[k] = x[index[k * index_stride] * stride];
}

// False if an index is out of range.
template <class T> bool gather_typed(const Gather& a, const IndexShape& s) {
  std::atomic<bool> bad{false};
  const T* x = static_cast<const T*>(a.x.raw_data());
  const auto* index = static_cast<const int64_t*>(a.index.raw_data());
  T* out = static_cast<T*>(a.out.raw_data());
  const bool repeats = s.index_strides[2] == 0, rows = repeats && s.strides[2] == 1;
  if (s.inner == 1) {
    parallel_for(s.outer * s.count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end;) {  // the part of one line after the other
        const int64_t o = row / s.count, j = row % s.count;
        const int64_t part = std::min({end - row, s.count - j, kLine});
        const int64_t* at = index + o * s.index_strides[0] + j * s.index_strides[1];
        const T* from = x + o * s.strides[0];
        if (has_bad_index(at, part, s.index_strides[1], s.bound)) {
          bad = true;
        } else {
          gather_line(from, s.strides[1], at, s.index_strides[1], part, out + row);
        }
        row += part;
      }
    });
    return !bad;
  }
  // Where x lies along the indexed dimension, a few of its lines at a time, which caches hold.
  const int64_t columns = !rows && s.strides[1] < s.strides[2] ? kColumns : s.inner;
  parallel_for(s.outer * s.count, kGrain / s.inner + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {  // the part of one matrix after the other
      const int64_t o = row / s.count, j = row % s.count, part = std::min(end - row, s.count - j);
      for (int64_t first = 0; first < s.inner; first += columns) {
        const int64_t last = std::min(s.inner, first + columns);
        const int64_t* at = index + o * s.index_strides[0] + j * s.index_strides[1];
        const T* from = x + o * s.strides[0];
        T* to = out + row * s.inner;
        for (int64_t k = 0; k < part; ++k, at += s.index_strides[1], to += s.inner) {
          const int64_t* line = at + first * s.index_strides[2];
          const bool wrong = repeats
                                 ? *at < 0 || *at >= s.bound
                                 : has_bad_index(line, last - first, s.index_strides[2], s.bound);
          if (wrong) {
            bad = true;
            continue;
          }
          if (rows) {
            std::memcpy(to, from + *at * s.strides[1], static_cast<size_t>(s.inner) * sizeof(T));
            continue;
          }
          for (int64_t i = first; i < last; ++i) {
            to[i] = from[at[i * s.index_strides[2]] * s.strides[1] + i * s.strides[2]];
          }
        }
      }
      row += part;
    }
  });
  return !bad;
}

// Part of the output that one thread owns: places [begin, end) of rows o, columns [first, last).
struct Part {
  int64_t o, begin, end, first, last;
};

// Elements that arrive one after the other: element t goes to place index[t], which lies at
// place * pitch + t * step.
template <class T> struct Line {
  const int64_t* index;
  int64_t index_stride;
  const T* src;
  int64_t src_stride, count;

  /// False if an index is out of range.
  template <class A>
  bool scatter(const Scatter& a, const Part& p, A* data, int32_t* counts, int64_t pitch,
               int64_t step) const {
    using enum ScatterReduce;
    const int64_t bound = a.out.sizes()[1];
    const auto run = [&](auto reduce) {
      constexpr ScatterReduce kReduce = decltype(reduce)::value;
      const bool replace = !a.include_self;
      bool bad = false;
      for (int64_t t = 0; t < count; ++t) {
        const int64_t k = index[t * index_stride];
        if (k < p.begin || k >= p.end) {
          bad |= k < 0 || k >= bound;
          continue;
        }
        const int64_t to = k * pitch + t * step;
        const A value = static_cast<A>(src[t * src_stride]);
        const bool replaces = counts != nullptr && counts[to]++ == 0 && replace;
        data[to] = replaces ? value : combine<A>(kReduce, data[to], value);
      }
      return !bad;
    };
    switch (a.reduce) {
      case kAssign:
        return run(std::integral_constant<ScatterReduce, kAssign>{});
      case kProd:
        return run(std::integral_constant<ScatterReduce, kProd>{});
      case kAmax:
        return run(std::integral_constant<ScatterReduce, kAmax>{});
      case kAmin:
        return run(std::integral_constant<ScatterReduce, kAmin>{});
      default:
        return run(std::integral_constant<ScatterReduce, kSum>{});
    }
  }
};

// data: the output, or its values in Math. False if an index is out of range.
template <class T, class A>
bool scatter_part(const Scatter& a, const IndexShape& s, const Part& p, A* data, int32_t* counts) {
  const T* src = static_cast<const T*>(a.src.raw_data()) + p.o * s.strides[0];
  const int64_t* index = static_cast<const int64_t*>(a.index.raw_data()) + p.o * s.index_strides[0];
  const int64_t base = p.o * s.bound * s.inner;
  const bool rows = s.index_strides[2] == 0 && s.strides[2] == 1 && counts == nullptr;
  if (s.inner == 1) {  // one long line in place of many of one element
    const Line<T> line{index, s.index_strides[1], src, s.strides[1], s.count};
    return line.scatter(a, p, data + base, counts == nullptr ? nullptr : counts + base, 1, 0);
  }
  bool good = true;
  for (int64_t j = 0; j < s.count; ++j, index += s.index_strides[1], src += s.strides[1]) {
    if (rows) {
      good &= *index >= 0 && *index < s.bound;
      if (*index < p.begin || *index >= p.end) continue;
      A* to = data + base + *index * s.inner;
      if (std::is_same_v<T, A> && a.reduce == ScatterReduce::kAssign) {
        std::memcpy(to + p.first, src + p.first, static_cast<size_t>(p.last - p.first) * sizeof(T));
      } else if (a.reduce == ScatterReduce::kSum) {
#pragma GCC ivdep
        for (int64_t i = p.first; i < p.last; ++i) {
          to[i] = static_cast<A>(to[i] + static_cast<A>(src[i]));
        }
      } else {
        for (int64_t i = p.first; i < p.last; ++i) {
          to[i] = combine<A>(a.reduce, to[i], static_cast<A>(src[i]));
        }
      }
      continue;
    }
    const Line<T> line{index + p.first * s.index_strides[2], s.index_strides[2],
                       src + p.first * s.strides[2], s.strides[2], p.last - p.first};
    good &= line.scatter(a, p, data + base + p.first,
                         counts == nullptr ? nullptr : counts + base + p.first, s.inner, 1);
  }
  return good;
}

// False if an index is out of range.
template <class T> bool scatter_typed(const Scatter& a, const IndexShape& s) {
  using A = MathType<T>;
  std::atomic<bool> bad{false};
  T* out = static_cast<T*>(a.out.raw_data());
  const bool wide = sums_wide<T>(a.reduce);
  Scratch<A> sums(wide ? a.out.numel() : 0);
  Scratch<int32_t> counted(a.counts() ? a.out.numel() : 0);
  int32_t* counts = a.counts() ? counted.data() : nullptr;
  // Columns first, then places: threads that share places all read the whole index.
  const int64_t threads = num_threads();
  const int64_t slabs = std::clamp<int64_t>(s.inner / 64, 1, threads);
  const int64_t ranges = std::clamp<int64_t>(threads / (s.outer * slabs), 1, s.bound);
  const int64_t width = (s.inner + slabs - 1) / slabs, places = (s.bound + ranges - 1) / ranges;
  const int64_t work = s.count * s.inner / (slabs * ranges) + 1;
  parallel_for(s.outer * slabs * ranges, kGrain / work + 1, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const int64_t o = job / (slabs * ranges), slab = job / ranges % slabs, range = job % ranges;
      const Part p{o, range * places, std::min(s.bound, (range + 1) * places), slab * width,
                   std::min(s.inner, (slab + 1) * width)};
      const auto for_own = [&](auto&& fn) {
        for (int64_t k = p.begin; k < p.end; ++k) {
          const int64_t row = (o * s.bound + k) * s.inner;
          for (int64_t e = row + p.first; e < row + p.last; ++e) fn(e);
        }
      };
      if (counts != nullptr) for_own([&](int64_t e) { counts[e] = 0; });
      bool good = true;
      if (!wide) {
        if constexpr (std::is_floating_point_v<T>) {
          simd::run([&] { good = scatter_part<T>(a, s, p, out, counts); });
        } else {
          good = scatter_part<T>(a, s, p, out, counts);
        }
      } else {
        for_own([&](int64_t e) { sums[e] = static_cast<A>(out[e]); });
        good = scatter_part<T>(a, s, p, sums.data(), counts);
      }
      if (!good) bad = true;
      const bool mean = a.reduce == ScatterReduce::kMean;
      if (!mean && !wide) continue;
      for_own([&](int64_t e) {
        A value = wide ? sums[e] : static_cast<A>(out[e]);
        if (mean && counts[e] > 0) value = mean_of<A>(value, counts[e] + (a.include_self ? 1 : 0));
        out[e] = static_cast<T>(value);
      });
    }
  });
  return !bad;
}

void gather(const Gather& a) {
  const IndexShape s = index_shape(a);
  if (a.out.numel() == 0) return;
  constexpr DType kBits[] = {kUInt8, kInt16, kInt32, kInt64};
  visit_dtype(IntegerTypes{}, a.op, kBits[__builtin_ctzll(item_size(a.dtype()))], [&]<class T>() {
    if (!gather_typed<T>(a, s)) check_index(a.op, s, a.index);
  });
}
void scatter(const Scatter& a) {
  const IndexShape s = index_shape(a);
  if (a.index.numel() == 0) return;
  if (s.bound == 0) return check_index(a.op, s, a.index);
  visit_dtype(AllTypes{}, a.op, a.dtype(), [&]<class T>() {
    if (!scatter_typed<T>(a, s)) check_index(a.op, s, a.index);
  });
}

const bool kGather = gather_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), gather, 1});
const bool kScatter = scatter_kernels().add({"cpu", kCPU, dtypes_of(AllTypes{}), scatter, 1});

}  // namespace
}  // namespace iolaus
