// Escapes, one character at a time.
#include "core/io/pickle_text.h"

#include <fmt/core.h>

#include <charconv>

namespace iolaus::io {
namespace {

void append_utf8(uint32_t point, std::string* out) {
  const auto add = [&](uint32_t byte) { *out += static_cast<char>(byte); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      add(0xe0 | point >> 12);
    } else {
      add(0xf0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3f));
    }
    add(0x80 | (point >> 6 & 0x3f));
  }
  add(0x80 | (point & 0x3f));
}

// Exactly `digits` digits of a base at the start of text.
bool parse_digits(std::string_view text, size_t digits, int base, uint32_t* out) {
  if (text.size() < digits) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, *out, base);
  return error == std::errc() && end == text.data() + digits;
}

constexpr std::string_view kEscapes = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";  // letter, byte, ...

// The escape behind a backslash; sets how many characters it is.
bool decode_escape(std::string_view text, size_t* length, std::string* out) {
  if (text.empty()) return false;
  *length = 1;
  for (size_t i = 0; i < kEscapes.size(); i += 2) {
    if (kEscapes[i] == text[0]) {
      *out += kEscapes[i + 1];
      return true;
    }
  }
  uint32_t value = 0;
  if (text[0] == 'x') {
    *length = 3;
    if (!parse_digits(text.substr(1), 2, 16, &value)) return false;
  } else {
    *length = 0;
    while (*length < 3 && *length < text.size() && text[*length] >= '0' && text[*length] <= '7') {
      value = value * 8 + static_cast<uint32_t>(text[(*length)++] - '0');
    }
    if (*length == 0 || value > 255) return false;
  }
  *out += static_cast<char>(value);
  return true;
}

}  // namespace

bool decode_python_string(std::string_view text, std::string* out) {
  if (text.size() < 2 || (text[0] != '\'' && text[0] != '"') || text.back() != text[0]) {
    return false;
  }
  const char quote = text[0];
  text = text.substr(1, text.size() - 2);
  out->reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    if (text[i] == quote) return false;
    if (text[i] != '\\') {
      *out += text[i++];
      continue;
    }
    size_t length = 0;
    if (!decode_escape(text.substr(i + 1), &length, out)) return false;
    i += 1 + length;
  }
  return true;
}

bool decode_raw_unicode_escape(std::string_view text, std::string* out) {
  out->reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const char kind = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (kind != 'u' && kind != 'U') {
      append_utf8(static_cast<uint8_t>(text[i++]), out);
      continue;
    }
    const size_t digits = kind == 'u' ? 4 : 8;
    uint32_t point = 0;
    if (!parse_digits(text.substr(i + 2), digits, 16, &point) || point > 0x10ffff) return false;
    append_utf8(point, out);
    i += 2 + digits;
  }
  return true;
}

bool encode_latin1(std::string_view utf8, std::string* out) {
  out->reserve(utf8.size());
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<uint8_t>(utf8[i]);
    if (lead < 0x80) {
      *out += utf8[i];
      continue;
    }
    const uint8_t next = i + 1 < utf8.size() ? static_cast<uint8_t>(utf8[i + 1]) : 0;
    if ((lead != 0xc2 && lead != 0xc3) || (next & 0xc0) != 0x80) return false;
    *out += static_cast<char>((lead & 3) << 6 | (next & 0x3f));
    ++i;
  }
  return true;
}

bool parse_python_float(std::string_view text, double* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string quote_bytes(std::string_view bytes) {
  std::string out = "'";
  for (const char c : bytes.substr(0, 48)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return out + (bytes.size() > 48 ? "...'" : "'");
}

}  // namespace iolaus::io
