// npy: NumPy's array files (NEP 1 and numpy.lib.format), versions 1 to 3. A header in Python syntax
// names dtype, order and shape; the elements follow.
#pragma once

#include <string>

#include "core/io/file.h"
#include "core/tensor.h"

namespace iolaus::io {

/// An array as a CPU tensor. Fortran order gives a tensor with column-major strides, big-endian
/// elements are swapped, and '<V2', which JAX's arrays are saved with, is bfloat16.
/// Errors: kNotFound, kIo; kCorrupt, with the byte, where the file contradicts the format, has
/// bytes left or too few; kUnsupported for dtypes that tensors do not have (unsigned beyond 8 bits,
/// complex, strings, objects, structures).
Tensor read_npy(const std::string& path);
Tensor read_npy(const Source& source);

/// Writes a tensor of any device and layout in C order, atomically, with the bytes that numpy.save
/// would write. bfloat16 becomes '<V2'. Errors: kIo.
void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace iolaus::io
