// Errors that a kernel finds in its data (an index out of range). The kernel writes them to pinned
// memory and goes on; the host looks there whenever it launches, waits or copies back, and throws.
#pragma once

#include <cstdint>

namespace iolaus::cuda {

/// What was indexed; decides the message.
enum class IndexedOp : int { kNone, kCrossEntropy, kEmbedding };

/// Written by kernels with plain stores: of several bad indices in one launch any may be reported.
struct IndexError {
  IndexedOp op;
  int64_t index, position, bound;
};

/// The record, in memory that host and devices share; null op where there is no error.
IndexError* index_error_record();
/// Throws kIndex for a record that a kernel left, and clears it. Cheap: one read of memory.
void throw_index_error();

}  // namespace iolaus::cuda
