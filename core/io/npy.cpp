// Reading and writing npy files: magic, version, header, elements.
#include "core/io/npy.h"

#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/npy_header.h"
#include "core/io/tensor_bytes.h"

namespace iolaus::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 64 << 10;  // sixteen dimensions take less than 1 KiB
constexpr size_t kAlignment = 64;        // of the first element, for mapping

struct Prefix {
  uint64_t header_offset;
  uint64_t header_size;
};

// (magic, major, minor, size of the header): u16 in version 1, u32 in 2 and 3.
Prefix read_prefix(const Source& source) {
  unsigned char bytes[12];
  source.read(0, bytes, 10);
  const std::string_view magic(reinterpret_cast<const char*>(bytes), kMagic.size());
  IOLAUS_CHECK_CODE(magic == kMagic, ErrorCode::kCorrupt,
                    "[npy] {}: not an npy file: the first 6 bytes are not \\x93NUMPY",
                    source.name());
  const int major = bytes[6], minor = bytes[7];
  IOLAUS_CHECK_CODE(major >= 1 && major <= 3 && minor == 0, ErrorCode::kUnsupported,
                    "[npy] {}: expected format version 1.0, 2.0 or 3.0 at byte 6, got {}.{}",
                    source.name(), major, minor);
  Prefix prefix{10, static_cast<uint64_t>(bytes[8] | bytes[9] << 8)};
  if (major > 1) {
    source.read(10, bytes + 10, 2);
    prefix = {12, prefix.header_size | static_cast<uint64_t>(bytes[10]) << 16 |
                      static_cast<uint64_t>(bytes[11]) << 24};
  }
  IOLAUS_CHECK_CODE(prefix.header_size <= kMaxHeader, ErrorCode::kCorrupt,
                    "[npy] {}: expected a header of at most {} bytes at byte 8, got {}",
                    source.name(), kMaxHeader, prefix.header_size);
  return prefix;
}

Dims reversed(const Dims& dims) {
  Dims out = dims;
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

Tensor read_npy(const Source& source) {
  const Prefix prefix = read_prefix(source);
  std::string text(prefix.header_size, '\0');
  source.read(prefix.header_offset, text.data(), text.size());
  const NpyHeader header = parse_npy_header(text, source.name(), prefix.header_offset);
  const uint64_t offset = prefix.header_offset + prefix.header_size;
  const uint64_t expected =
      checked_nbytes("npy", source, header.shape, 8 * item_size(header.dtype));
  const uint64_t available = source.size() - offset;
  IOLAUS_CHECK_CODE(expected == available, ErrorCode::kCorrupt,
                    "[npy] {}: expected {} bytes of elements from byte {}, got {}", source.name(),
                    expected, offset, available);
  const Dims sizes = checked_dims("npy", source, header.shape);
  const Dims strides = header.fortran_order ? reversed(contiguous_strides(reversed(sizes)))
                                            : contiguous_strides(sizes);
  Tensor out = empty_strided(sizes, strides, {.dtype = header.dtype});
  read_elements(source, offset, out);
  if (header.big_endian) swap_elements(out);
  return out;
}

Tensor read_npy(const std::string& path) { return read_npy(*open_file(path)); }

void write_npy(const std::string& path, const Tensor& tensor) {
  IOLAUS_CHECK(tensor.defined(), "[npy] cannot write an undefined tensor to {}", path);
  const HostElements elements = host_elements(tensor);
  std::string header = npy_header_text(tensor.dtype(), tensor.sizes());
  // 10 bytes before it and a newline at its end, blanks in between up to the alignment.
  const size_t used = 10 + header.size() + 1;
  header.append((kAlignment - used % kAlignment) % kAlignment, ' ').push_back('\n');
  AtomicFile file(path);
  file.write(kMagic);
  const char prefix[4] = {1, 0, static_cast<char>(header.size() & 0xff),
                          static_cast<char>(header.size() >> 8)};
  file.write(prefix, sizeof prefix);
  file.write(header);
  file.write(elements.data, elements.nbytes);
  file.commit();
}

}  // namespace iolaus::io
