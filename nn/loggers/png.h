// PNG files of 8 bits a channel (w3.org/TR/png): one filter, zlib's compression.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace iolaus::nn {

/// pixels: (height, width, channels) with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
std::string encode_png(std::span<const uint8_t> pixels, int64_t width, int64_t height,
                       int64_t channels);

}  // namespace iolaus::nn
