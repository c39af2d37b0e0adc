// Signature, header, image data, end: each but the first a chunk with a length and a checksum.
#include "nn/loggers/png.h"

#include <zlib.h>

#include <vector>

#include "core/error.h"

namespace iolaus::nn {
namespace {

void append_big_endian(std::string& out, uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

void append_chunk(std::string& out, const char* type, const std::string& data) {
  append_big_endian(out, data.size());
  const std::string typed = type + data;
  out += typed;
  append_big_endian(
      out, crc32(0, reinterpret_cast<const Bytef*>(typed.data()), static_cast<uInt>(typed.size())));
}

}  // namespace

std::string encode_png(std::span<const uint8_t> pixels, int64_t width, int64_t height,
                       int64_t channels) {
  const auto row = static_cast<size_t>(width * channels);
  IOLAUS_CHECK(pixels.size() == row * static_cast<size_t>(height) && pixels.size() < (1u << 30),
               "[png] expected {} x {} x {} bytes below 1 GiB, got {}", height, width, channels,
               pixels.size());
  // Each byte less the pixel's to its left (filter 1): pictures have runs of like colours.
  std::vector<uint8_t> filtered;
  filtered.reserve(pixels.size() + static_cast<size_t>(height));
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    filtered.push_back(1);
    const std::span<const uint8_t> line = pixels.subspan(y * row, row);
    for (size_t i = 0; i < row; ++i) {
      const auto step = static_cast<size_t>(channels);
      filtered.push_back(static_cast<uint8_t>(line[i] - (i < step ? 0 : line[i - step])));
    }
  }
  uLongf size = compressBound(filtered.size());
  std::string compressed(size, '\0');
  const int status = compress(reinterpret_cast<Bytef*>(compressed.data()), &size, filtered.data(),
                              filtered.size());
  IOLAUS_CHECK_CODE(status == Z_OK, ErrorCode::kInternal, "[png] zlib failed with {}", status);
  compressed.resize(size);

  std::string header;
  append_big_endian(header, static_cast<uint64_t>(width));
  append_big_endian(header, static_cast<uint64_t>(height));
  header += '\x08';  // bits a channel
  header += channels == 1 ? '\x00' : channels == 3 ? '\x02' : '\x06';
  header.append(3, '\0');  // the only compression and filter method, no interlacing
  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", compressed);
  append_chunk(png, "IEND", "");
  return png;
}

}  // namespace iolaus::nn
