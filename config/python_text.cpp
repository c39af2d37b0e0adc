// Python's scalar texts: the shortest digits come from std::to_chars, the layout is Python's.
#include "config/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

namespace iolaus::config {
namespace {

// First code point of each run of ten decimal digits (Unicode category Nd).
constexpr char32_t kDigitRuns[] = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,
    0xC66,   0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,
    0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
    0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
    0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};

// Ranges that str.isprintable() denies: categories Cc, Cf, Cs, Co, Zs (but the blank), Zl, Zp.
constexpr std::array<char32_t, 2> kUnprintable[] = {
    {0x0, 0x1F},        {0x7F, 0xA0},       {0xAD, 0xAD},       {0x600, 0x605},
    {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
    {0x8E2, 0x8E2},     {0x1680, 0x1680},   {0x180E, 0x180E},   {0x2000, 0x200F},
    {0x2028, 0x202F},   {0x205F, 0x206F},   {0x3000, 0x3000},   {0xD800, 0xF8FF},
    {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD},
    {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
    {0xE0001, 0xE007F}, {0xF0000, 0x10FFFF}};

bool is_blank(char32_t c) {
  return (c >= 0x9 && c <= 0xD) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

/// What int() and float() look at: outer blanks gone, digits of other scripts as ASCII. A character
/// that neither accepts becomes '?'.
std::string to_ascii_number(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_character(text, i);
    if (c < 0x80 && !is_blank(c)) {
      out += static_cast<char>(c);
      continue;
    }
    if (is_blank(c)) {
      out += ' ';
      continue;
    }
    const auto* run = std::upper_bound(std::begin(kDigitRuns), std::end(kDigitRuns), c);
    const char32_t zero = *std::prev(run);
    out += c - zero < 10 ? static_cast<char>('0' + (c - zero)) : '?';
  }
  const auto first = out.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes out underscores that stand between digits; nullopt where one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

std::string hex(char32_t value, int width) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out;
  for (int shift = 4 * (width - 1); shift >= 0; shift -= 4) out += kHexDigits[value >> shift & 15];
  return out;
}

bool equals_lower(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

}  // namespace

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const bool negative_exponent = text[e + 1] == '-';
  std::from_chars(text.data() + e + 2, text.data() + text.size(), exponent);
  if (negative_exponent) exponent = -exponent;
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (is_digit(c)) digits += c;
  }
  std::string out = text[0] == '-' ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (digits.size() > 1) out += "." + digits.substr(1);
    const int size = std::abs(exponent);
    out += exponent < 0 ? "e-" : "e+";
    return out + (size < 10 ? "0" : "") + std::to_string(size);
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string python_quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_character(text, i);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (python_printable(c)) {
      append_utf8(out, c);
    } else if (c < 0x100) {
      out += "\\x" + hex(c, 2);
    } else {
      out += c < 0x10000 ? "\\u" + hex(c, 4) : "\\U" + hex(c, 8);
    }
  }
  return out + quote;
}

std::string python_quoted_bytes(std::string_view data) {
  const bool has_single = data.find('\'') != std::string_view::npos;
  const char quote = has_single && data.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out = std::string("b") + quote;
  for (const char byte : data) {
    const auto c = static_cast<unsigned char>(byte);
    if (byte == quote || byte == '\\') {
      out += '\\';
      out += byte;
    } else if (c >= 0x20 && c < 0x7F) {
      out += byte;
    } else if (byte == '\n' || byte == '\r' || byte == '\t') {
      out += byte == '\n' ? "\\n" : byte == '\r' ? "\\r" : "\\t";
    } else {
      out += "\\x" + hex(c, 2);
    }
  }
  return out + quote;
}

IntStatus parse_int(std::string_view digits, int base, std::int64_t& value) {
  if (!digits.empty() && digits[0] == '+') {
    digits.remove_prefix(1);
    if (!digits.empty() && digits[0] == '-') return IntStatus::kNotANumber;
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    return IntStatus::kNotANumber;
  }
  return error == std::errc::result_out_of_range ? IntStatus::kTooLarge : IntStatus::kOk;
}

std::optional<double> parse_float(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const double sign = negative ? -1.0 : 1.0;
  if (equals_lower(text, "inf") || equals_lower(text, "infinity")) return sign * HUGE_VAL;
  if (equals_lower(text, "nan")) return std::copysign(std::nan(""), sign);
  if (text.empty() || (!is_digit(text[0]) && text[0] != '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: the sign of the exponent of the value decides which.
    const std::string copy(text);
    value = std::strtod(copy.c_str(), nullptr);
  }
  return sign * value;
}

std::optional<std::int64_t> python_int(std::string_view text) {
  const auto plain = without_underscores(to_ascii_number(text));
  std::int64_t value = 0;
  if (!plain || parse_int(*plain, 10, value) != IntStatus::kOk) return std::nullopt;
  return value;
}

std::optional<double> python_float_value(std::string_view text) {
  const auto plain = without_underscores(to_ascii_number(text));
  return plain ? parse_float(*plain) : std::nullopt;
}

bool python_reads_int(std::string_view text) {
  const auto plain = without_underscores(to_ascii_number(text));
  if (!plain) return false;
  const std::size_t sign = !plain->empty() && ((*plain)[0] == '-' || (*plain)[0] == '+') ? 1 : 0;
  // Python refuses to convert more than 4300 digits.
  return plain->size() > sign && plain->size() - sign <= 4300 &&
         std::all_of(plain->begin() + static_cast<std::ptrdiff_t>(sign), plain->end(), is_digit);
}

bool python_reads_float(std::string_view text) { return python_float_value(text).has_value(); }

char32_t next_character(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
  };
  const char32_t lead = byte(i);
  const int length = lead < 0x80   ? 1
                     : lead < 0xC2 ? 0
                     : lead < 0xE0 ? 2
                     : lead < 0xF0 ? 3
                     : lead < 0xF5 ? 4
                                   : 0;
  if (length == 1) return ++i, lead;
  char32_t c = lead & (0xFFu >> (length + 1));
  for (int k = 1; k < length; ++k) {
    const char32_t next = byte(i + static_cast<std::size_t>(k));
    if ((next & 0xC0) != 0x80) return ++i, 0xFFFD;
    c = c << 6 | (next & 0x3F);
  }
  static constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (length == 0 || c < kSmallest[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
    return ++i, 0xFFFD;
  }
  i += static_cast<std::size_t>(length);
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

bool python_printable(char32_t c) {
  return std::none_of(std::begin(kUnprintable), std::end(kUnprintable),
                      [&](const auto& range) { return c >= range[0] && c <= range[1]; });
}

}  // namespace iolaus::config
