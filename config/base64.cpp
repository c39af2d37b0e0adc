// Base64 (RFC 4648).
#include "config/base64.h"

#include <cstdint>

namespace iolaus::config {
namespace {
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '=') {
      if (count >= 2 && count + ++padding >= 4) break;
      continue;
    }
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;
    padding = 0;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++count == 4) {
      out += static_cast<char>(bits >> 16 & 255);
      out += static_cast<char>(bits >> 8 & 255);
      out += static_cast<char>(bits & 255);
      bits = 0;
      count = 0;
    }
  }
  if (count == 0) return out;
  if (count == 1 || count + padding < 4) return std::nullopt;
  out += static_cast<char>(bits >> (count == 2 ? 4 : 10) & 255);
  if (count == 3) out += static_cast<char>(bits >> 2 & 255);
  return out;
}

std::string base64_encode_lines(std::string_view data) {
  std::string out;
  for (std::size_t i = 0, line = 0; i < data.size(); i += 3) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return i + k < data.size() ? static_cast<unsigned char>(data[i + k]) : 0;
    };
    const std::uint32_t bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += kAlphabet[bits >> 18];
    out += kAlphabet[bits >> 12 & 63];
    out += i + 1 < data.size() ? kAlphabet[bits >> 6 & 63] : '=';
    out += i + 2 < data.size() ? kAlphabet[bits & 63] : '=';
    line += 4;
    if (line == 76 || i + 3 >= data.size()) {
      out += '\n';
      line = 0;
    }
  }
  return out;
}

}  // namespace iolaus::config
