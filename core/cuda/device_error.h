// Errors that a kernel finds in its data (an index out of range). The kernel writes them to pinned
// memory and goes on; the host looks there whenever it launches, waits or copies back, and throws.
#pragma once

#include <cstdint>

namespace iolaus::cuda {

/// The op that indexed: the address of its name, as a number that kernels carry and never follow.
enum class IndexedOp : uint64_t { kNone = 0 };

/// The name must live as long as the program: a literal. indexed_op("gather").
inline IndexedOp indexed_op(const char* name) {
  return static_cast<IndexedOp>(reinterpret_cast<uintptr_t>(name));
}

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
