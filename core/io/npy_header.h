// The header of an npy file: a Python dict literal with exactly the keys descr, fortran_order and
// shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dims.h"
#include "core/dtype.h"

namespace iolaus::io {

struct NpyHeader {
  DType dtype = kFloat32;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};

/// text is the dict; name and offset (of the text in the file) are for messages.
/// Errors: kCorrupt, kUnsupported, as read_npy.
NpyHeader parse_npy_header(std::string_view text, const std::string& name, uint64_t offset);
/// The dtype of numpy's code without the byte order: "u1", "f4", "V2" for bfloat16.
std::optional<DType> npy_dtype(std::string_view code);
/// The dict as numpy writes it, with the blanks it leaves for the first size to grow.
std::string npy_header_text(DType dtype, const Dims& sizes);

}  // namespace iolaus::io
