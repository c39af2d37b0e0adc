// IDX: the format of the MNIST files, plain or gzipped: two zero bytes, a type, the number of
// dimensions, big-endian sizes of 32 bits, big-endian elements.
// Format: "The MNIST database of handwritten digits", LeCun, Cortes, Burges.
#pragma once

#include <string>

#include "core/io/file.h"
#include "core/tensor.h"

namespace iolaus::io {

/// An array as a CPU tensor (uint8, int8, int16, int32, float32 or float64). The sizes are compared
/// with the file's before memory is allocated; a gzipped file is inflated no further than the
/// sizes in its header say. Errors: kNotFound, kIo; kCorrupt, with the byte.
Tensor read_idx(const std::string& path);
Tensor read_idx(const Source& source);

}  // namespace iolaus::io
