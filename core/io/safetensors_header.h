// The header of a safetensors file between JSON and entries; only the bytes' places are checked
// elsewhere (safetensors.cpp), since they need the file's size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/io/safetensors.h"

namespace iolaus::io {

struct SafetensorsDType {
  const char* name;
  int bits;
  std::optional<DType> dtype;  // none: known to the format, not to us
};
/// The entry of a name or of a dtype; null where there is none.
const SafetensorsDType* find_safetensors_dtype(std::string_view name);
const SafetensorsDType* find_safetensors_dtype(DType dtype);
/// The place of a dtype in the order that tensors are written in; larger ones come first.
int safetensors_rank(const SafetensorsDType& dtype);

struct SafetensorsHeader {
  std::vector<SafetensorsFile::Entry> entries;  // begin counts from the end of the header
  Metadata metadata;
};
/// Errors: kCorrupt; name is the file's.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& name);
/// The JSON of a header, padded with blanks to a multiple of 8 bytes.
std::string safetensors_header_text(const SafetensorsHeader& header);

}  // namespace iolaus::io
