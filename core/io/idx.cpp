// Reading IDX arrays through a stream, so that plain and gzipped files are the same.
#include "core/io/idx.h"

#include <optional>

#include "core/error.h"
#include "core/io/gzip.h"
#include "core/io/tensor_bytes.h"

namespace iolaus::io {
namespace {

std::optional<DType> dtype_of_code(int code) {
  switch (code) {
    case 0x08:
      return kUInt8;
    case 0x09:
      return kInt8;
    case 0x0b:
      return kInt16;
    case 0x0c:
      return kInt32;
    case 0x0d:
      return kFloat32;
    case 0x0e:
      return kFloat64;
    default:
      return std::nullopt;
  }
}

}  // namespace

Tensor read_idx(const Source& source) {
  const auto stream = open_stream(source);
  unsigned char magic[4];
  stream->read(magic, sizeof magic);
  const std::optional<DType> dtype = dtype_of_code(magic[2]);
  IOLAUS_CHECK_CODE(magic[0] == 0 && magic[1] == 0 && dtype.has_value(), ErrorCode::kCorrupt,
                    "[idx] {}: not an IDX file: it begins {:02x} {:02x} {:02x}, expected 00 00 and "
                    "a type of 08, 09, 0b, 0c, 0d or 0e",
                    source.name(), magic[0], magic[1], magic[2]);
  std::vector<uint64_t> shape;
  for (int i = 0; i < magic[3]; ++i) {
    unsigned char b[4];
    stream->read(b, sizeof b);
    shape.push_back(uint64_t{b[0]} << 24 | uint64_t{b[1]} << 16 | uint64_t{b[2]} << 8 | b[3]);
  }
  const uint64_t nbytes = checked_nbytes("idx", source, shape, 8 * item_size(*dtype));
  IOLAUS_CHECK_CODE(stream->position() + nbytes <= stream->max_size(), ErrorCode::kCorrupt,
                    "[idx] {}: the sizes in the header need {} bytes after byte {}, more than a "
                    "file of {} bytes can hold",
                    source.name(), nbytes, stream->position(), source.size());
  Tensor out = empty(checked_dims("idx", source, shape), {.dtype = *dtype});
  stream->read(out.raw_data(), out.nbytes());
  IOLAUS_CHECK_CODE(stream->at_end(), ErrorCode::kCorrupt,
                    "[idx] {}: bytes are left after the {} that the header describes",
                    source.name(), stream->position());
  swap_elements(out);
  return out;
}

Tensor read_idx(const std::string& path) { return read_idx(*open_file(path)); }

}  // namespace iolaus::io
