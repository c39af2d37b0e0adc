// What the CUDA variants of indexing share: the report of a bad index, and the state of a scatter's
// output elements, each of which one thread owns.
#pragma once

#include "kernels/gpu.h"
#include "kernels/indexing/combine.h"

namespace iolaus::gpu {

struct Report {
  cuda::IndexError* record;
  cuda::IndexedOp op;

  __device__ void operator()(int64_t index, int64_t position, int64_t bound) const {
    report_index(record, op, index, position, bound);
  }
};
inline Report report_for(const char* op) {
  return {cuda::index_error_record(), cuda::indexed_op(op)};
}

/// Element e of the output: begin(e), then arrive(e, value) in order of the index, then finish(e).
template <class T> struct ScatterSums {
  using A = MathType<T>;
  ScatterReduce reduce;
  bool include_self;
  T* out;       // (O, n, I), as are
  A* wide;      // sums of 16-bit floats, or null
  int* counts;  // how many arrived, or null

  /// Whether begin and finish do anything.
  __device__ bool has_state() const { return wide != nullptr || counts != nullptr; }
  __device__ void begin(int64_t e) const {
    if (wide != nullptr) wide[e] = static_cast<A>(out[e]);
    if (counts != nullptr) counts[e] = 0;
  }
  __device__ void arrive(int64_t e, A value) const {
    const bool replaces = counts != nullptr && counts[e]++ == 0 && !include_self;
    if (wide != nullptr) {
      wide[e] = replaces ? value : combine<A>(reduce, wide[e], value);
    } else {
      out[e] = static_cast<T>(replaces ? value : combine<A>(reduce, static_cast<A>(out[e]), value));
    }
  }
  __device__ void finish(int64_t e) const {
    const bool mean = reduce == ScatterReduce::kMean;
    if (wide == nullptr && !mean) return;
    A value = wide != nullptr ? wide[e] : static_cast<A>(out[e]);
    if (mean && counts[e] > 0) value = mean_of<A>(value, counts[e] + (include_self ? 1 : 0));
    out[e] = static_cast<T>(value);
  }
};

/// Device memory for the state of one scatter.
template <class T> struct ScatterState {
  DeviceScratch<MathType<T>> wide;
  DeviceScratch<int> counts;
  explicit ScatterState(const Scatter& a)
      : wide(a.device(), sums_wide<T>(a.reduce) ? a.out.numel() : 0),
        counts(a.device(), a.counts() ? a.out.numel() : 0) {}
  ScatterSums<T> sums(const Scatter& a) const {
    return {a.reduce, a.include_self, static_cast<T*>(a.out.raw_data()), wide.data(),
            counts.data()};
  }
};

}  // namespace iolaus::gpu
