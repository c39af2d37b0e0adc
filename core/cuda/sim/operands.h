// What a stand-in for a library does with its operands when its work runs: memory that is not the
// device's becomes a diagnosis, and what was lent to work in is left as NaN.
#pragma once

#include <fmt/core.h>

#include <cstring>
#include <span>
#include <vector>

#include "core/cuda/sim/diagnosis.h"
#include "core/cuda/sim/memory.h"

namespace iolaus::sim {

struct Operand {
  const char* name;
  const void* data;
  size_t nbytes;
};

/// Bytes from the first to the last element of a column-major matrix.
template <class T> size_t matrix_bytes(int64_t rows, int64_t columns, int64_t leading) {
  if (rows == 0 || columns == 0) return 0;
  return static_cast<size_t>((columns - 1) * leading + rows) * sizeof(T);
}

/// False, with a diagnosis ("cusolverDnXpotrf: 80 bytes of A are ..."), where one is not memory of
/// the device.
inline bool check_operands(const char* function, std::span<const Operand> operands) {
  for (const Operand& o : operands) {
    if (o.nbytes == 0 || is_device_memory(o.data, o.nbytes)) continue;
    record_diagnosis(fmt::format("{}: {} bytes of {} are {}", function, o.nbytes, o.name,
                                 describe_address(o.data)));
    return false;
  }
  return true;
}

/// Fills with NaN.
inline void spoil(void* data, size_t nbytes) {
  if (nbytes > 0) std::memset(data, 0xff, nbytes);
}

}  // namespace iolaus::sim
