// The plan of a product: descriptors of its operands, and the algorithm. Row-major C = A B is
// computed as column-major C' = B' A', so no operand is copied. The library is asked for several
// algorithms; the first is its own preference, and in the tune cache's mode `tune` they are checked
// and timed once, for this process.
#pragma once

#include "kernels/matmul/cublaslt/library.h"

namespace iolaus::cublaslt {

/// A stored matrix as cuBLASLt sees it: column-major with a leading dimension, perhaps transposed.
struct View {
  bool transposed = false;
  int64_t leading = 0;
  int64_t batch_stride = 0;
};
struct Views {
  View c, a, b;
};
/// False where a matrix has no stride of 1, or rows overlap, or C is stored by columns.
bool views_of(const Matmul& p, Views& views);

struct Plan {
  Desc desc;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algo;
  size_t workspace = 0;
};
/// The plan for these shapes, layouts and alignments, kept by the calling thread (a descriptor
/// holds the bias of the call). Errors: kUnsupported where cuBLASLt has no algorithm; kDevice.
Plan& plan_for(const Matmul& p, const Views& views);
/// Queues d = alpha a b + beta c + bias, d laid out as c, on the current stream.
void launch(const Plan& plan, const Matmul& p, void* d);

}  // namespace iolaus::cublaslt
