// indexing: elements by index along one dimension, and their way back. All tensors are seen as
// (O, n, I): the dimension that is indexed, those before it and those after it.
//   gather    out[o][j][i] = x[o][index[o][j][i]][i]
//   scatter   out[o][index[o][j][i]][i] op= src[o][j][i],   for j = 0, 1, ... in this order
// op: assign (the last one stays), sum, prod, mean, amax, amin (NaN stays). Without include_self
// the first src that arrives replaces what was in out. The mean is that of all that arrived, and of
// what was in out if include_self; integers are rounded down. 16-bit floats are summed in float.
// index_select and index_add are the same with an index of strides (0, 1, 0).
#pragma once

#include "kernels/kernel_set.h"

namespace iolaus {

/// x (O, n, I), index (O, m, I) int64 of any strides -> out (O, m, I) contiguous, of x's dtype.
struct Gather {
  Tensor x, index, out;
  const char* op = "gather";  // a literal: who asks, for errors

  DType dtype() const { return out.dtype(); }
  Device device() const { return out.device(); }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    v("x", x, Role::kIn), v("index", index, Role::kIn), v("out", out, Role::kOut);
  }
};

enum class ScatterReduce { kAssign, kSum, kProd, kMean, kAmax, kAmin };
const char* scatter_reduce_name(ScatterReduce reduce);

/// index (O, m, I) int64 and src (O, m, I), of any strides -> out (O, n, I) contiguous, in place.
struct Scatter {
  Tensor index, src, out;
  ScatterReduce reduce = ScatterReduce::kAssign;
  bool include_self = true;
  const char* op = "scatter";

  DType dtype() const { return out.dtype(); }
  Device device() const { return out.device(); }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return index.sizes()[1]; }
  /// Whether the number of elements that arrived must be known.
  bool counts() const { return reduce == ScatterReduce::kMean || !include_self; }
  template <class V> void visit(V&& v) {
    v("index", index, Role::kIn), v("src", src, Role::kIn), v("out", out, Role::kInOut);
  }
};

/// Sizes and strides as the kernels take them.
struct IndexShape {
  int64_t outer, count, inner;  // O, m, I
  int64_t bound;                // n
  int64_t index_strides[3];
  int64_t strides[3];  // of x or src

  /// Where in the index as the user gave it (without the dimensions that it repeats) this lies.
  IOLAUS_HD int64_t position(int64_t o, int64_t j, int64_t i) const {
    const int64_t row = (index_strides[0] == 0 ? 0 : o) * count + j;
    return index_strides[2] == 0 ? row : row * inner + i;
  }
};
IndexShape index_shape(const Gather& a);
IndexShape index_shape(const Scatter& a);

/// Whether one of count indices, stride apart, is outside of [0, bound).
bool has_bad_index(const int64_t* index, int64_t count, int64_t stride, int64_t bound);

/// For CPU variants: refuses the first index outside of [0, n). Errors: kIndex, naming op.
void check_index(const char* op, const IndexShape& shape, const Tensor& index);

KernelSet<Gather>& gather_kernels();
KernelSet<Scatter>& scatter_kernels();

}  // namespace iolaus
