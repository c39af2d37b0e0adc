// The kernel sets of indexing, what they cost, their sample arguments (strided, repeated indices,
// shapes with 0 and 1 and around the width of a warp), and the check of indices on the CPU.
#include "kernels/indexing/indexing.h"

#include <atomic>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/views.h"
#include "kernels/check.h"

namespace iolaus {
namespace {

struct Problem {
  int64_t outer, bound, count, inner;
  bool strided = false;
  bool one_index = false;  // the same for all rows: index_select and index_add
};

constexpr Problem kProblems[] = {{1, 1, 1, 1},
                                 {2, 5, 3, 4},
                                 {3, 4, 7, 1, true},
                                 {1, 7, 33, 2},
                                 {1, 3, 130, 1},
                                 {0, 3, 2, 4},
                                 {2, 3, 0, 4},
                                 {2, 3, 4, 0},
                                 {31, 32, 5, 1},
                                 {2, 33, 9, 31},
                                 {1, 6, 50, 3, true},
                                 {1, 70, 200, 2, true},
                                 {2, 5, 100, 1},
                                 {2, 5, 8, 32, false, true},
                                 {1, 300, 40, 1, false, true},
                                 {3, 4, 6, 5, true, true}};

Tensor sample_index(const Problem& p, uint64_t seed) {
  const auto high = static_cast<double>(p.bound);
  if (!p.one_index) {
    return sample_tensor({p.outer, p.count, p.inner}, kInt64, seed, 0, high, p.strided);
  }
  return views::expand(sample_tensor({1, p.count, 1}, kInt64, seed, 0, high),
                       {p.outer, p.count, p.inner});
}

std::vector<Gather> gather_samples(DType dtype) {
  std::vector<Gather> samples;
  for (const Problem& p : kProblems) {
    Gather& a = samples.emplace_back();
    a.x = sample_tensor({p.outer, p.bound, p.inner}, dtype, 1, -9, 9, p.strided);
    a.index = sample_index(p, 2);
    a.out = empty({p.outer, p.count, p.inner}, {.dtype = dtype});
  }
  return samples;
}

std::vector<Scatter> scatter_samples(DType dtype) {
  std::vector<Scatter> samples;
  using enum ScatterReduce;
  for (const ScatterReduce reduce : {kAssign, kSum, kProd, kMean, kAmax, kAmin}) {
    for (const Problem& p : kProblems) {
      for (const bool include_self : {true, false}) {
        if (reduce == kAssign && !include_self) continue;
        Scatter& a = samples.emplace_back();
        a.reduce = reduce, a.include_self = include_self;
        a.index = sample_index(p, 3);
        // The product of many stays within the dtype's range.
        const double low = is_floating(dtype) ? -1.5 : (dtype == kUInt8 ? 0 : -1);
        a.src = sample_tensor({p.outer, p.count, p.inner}, dtype, 4, low, 3 + low, p.strided);
        a.out = sample_tensor({p.outer, p.bound, p.inner}, dtype, 5, low, 3 + low);
      }
    }
  }
  return samples;
}

IndexShape shape_of(const Tensor& index, int64_t bound, const Tensor& other) {
  IndexShape s;
  s.outer = index.sizes()[0], s.count = index.sizes()[1], s.inner = index.sizes()[2];
  s.bound = bound;
  for (size_t d = 0; d < 3; ++d) {
    s.index_strides[d] = index.strides()[d], s.strides[d] = other.strides()[d];
  }
  return s;
}

}  // namespace

IndexShape index_shape(const Gather& a) { return shape_of(a.index, a.x.sizes()[1], a.x); }
IndexShape index_shape(const Scatter& a) { return shape_of(a.index, a.out.sizes()[1], a.src); }

const char* scatter_reduce_name(ScatterReduce reduce) {
  static constexpr const char* kNames[] = {"assign", "sum", "prod", "mean", "amax", "amin"};
  return kNames[static_cast<int>(reduce)];
}

std::string Gather::describe() const {
  return fmt::format("{} {}, index {}", op, x.describe(), index.sizes().str());
}
std::string Scatter::describe() const {
  return fmt::format("{} {}, index {} into {}{}", scatter_reduce_name(reduce), src.describe(),
                     index.sizes().str(), out.sizes().str(), include_self ? "" : " without self");
}
Cost Gather::cost() const { return {0, static_cast<double>(2 * out.nbytes() + index.nbytes())}; }
Cost Scatter::cost() const {
  const double moved = static_cast<double>(src.numel()) * static_cast<double>(item_size(dtype()));
  return {static_cast<double>(src.numel()), 3 * moved + static_cast<double>(index.nbytes())};
}

bool has_bad_index(const int64_t* index, int64_t count, int64_t stride, int64_t bound) {
  bool result = false;
  simd::run([&] {
    const int64_t *at = index, n = count, step = stride, limit = bound;
    int64_t bad = 0;
    if (step == 1) {
      for (int64_t t = 0; t < n; ++t) bad |= (at[t] < 0) | (at[t] >= limit);
    } else {
      for (int64_t t = 0; t < n; ++t) bad |= (at[t * step] < 0) | (at[t * step] >= limit);
    }
    result = bad != 0;
  });
  return result;
}

void check_index(const char* op, const IndexShape& s, const Tensor& index) {
  if (index.numel() == 0) return;
  // What is repeated is looked at once; lines of the dimension that is longest in memory.
  const int64_t outer = s.index_strides[0] == 0 ? 1 : s.outer;
  const int64_t inner = s.index_strides[2] == 0 ? 1 : s.inner;
  const auto* data = static_cast<const int64_t*>(index.raw_data());
  const auto line_at = [&](int64_t row) {
    return inner == 1
               ? data + row * s.index_strides[0]
               : data + row / s.count * s.index_strides[0] + row % s.count * s.index_strides[1];
  };
  const int64_t rows = inner == 1 ? outer : outer * s.count;
  const int64_t length = inner == 1 ? s.count : inner;
  const int64_t stride = s.index_strides[inner == 1 ? 1 : 2];
  std::atomic<bool> bad{false};
  parallel_for(rows, (int64_t{1} << 15) / length + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      if (has_bad_index(line_at(row), length, stride, s.bound)) bad = true;
    }
  });
  if (!bad) return;
  for (int64_t e = 0;; ++e) {
    const int64_t k = line_at(e / length)[e % length * stride];
    if (k >= 0 && k < s.bound) continue;
    fail(ErrorCode::kIndex, "[{}] expected indices in [0, {}), got {} at position {}", op, s.bound,
         k, e);
  }
}

KernelSet<Gather>& gather_kernels() {
  static auto* set = new KernelSet<Gather>("indexing", "gather", gather_samples);
  return *set;
}
KernelSet<Scatter>& scatter_kernels() {
  static auto* set = new KernelSet<Scatter>("indexing", "scatter", scatter_samples);
  return *set;
}

}  // namespace iolaus
