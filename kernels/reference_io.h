// Element access for reference kernels: any dtype as double or int64, one element at a time. The
// references are read more often than they are run, so the dtype is a run-time matter there.
#pragma once

#include "core/dtype.h"

namespace iolaus {

/// Element at of data as double (exact for all but the largest 64-bit integers).
double load_real(const void* data, DType dtype, int64_t at);
void store_real(void* data, DType dtype, int64_t at, double value);
/// Element at of data as int64; floating values are truncated.
int64_t load_integer(const void* data, DType dtype, int64_t at);
void store_integer(void* data, DType dtype, int64_t at, int64_t value);

}  // namespace iolaus
