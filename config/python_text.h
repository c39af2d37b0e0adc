// How Python reads and writes scalars: int(), float(), repr(). Configs carry such texts everywhere
// (printed YAML, interpolation into strings, override_dirname), so they are reproduced here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace iolaus::config {

/// repr(float): the shortest text that reads back, `1.0`, `1e-05`, `1e+16`, `inf`, `nan`.
std::string python_float(double value);
/// repr(str): quotes, escapes, unprintable characters as \x, \u and \U.
std::string python_quoted(std::string_view text);
/// repr(bytes).
std::string python_quoted_bytes(std::string_view data);

/// Whether int(text) or float(text) would succeed: blanks around, signs, single underscores between
/// digits, decimal digits of any script; `inf`, `infinity` and `nan` in any case.
bool python_reads_int(std::string_view text);
bool python_reads_float(std::string_view text);

enum class IntStatus { kOk, kNotANumber, kTooLarge };
/// Digits of a base (2 to 36) with an optional sign and underscores taken out beforehand.
IntStatus parse_int(std::string_view digits, int base, std::int64_t& value);
/// float(text) for ASCII text without underscores; nullopt where it is no number. Overflow is inf.
std::optional<double> parse_float(std::string_view text);
/// int(text) and float(text), blanks and underscores included; nullopt where they would fail or the
/// integer is beyond 64 bits.
std::optional<std::int64_t> python_int(std::string_view text);
std::optional<double> python_float_value(std::string_view text);

/// Decodes the UTF-8 character at `i` and moves behind it; 0xFFFD and one byte on for bad bytes.
char32_t next_character(std::string_view text, std::size_t& i);
void append_utf8(std::string& out, char32_t c);
/// Whether Python's str.isprintable() holds (unassigned code points count as printable).
bool python_printable(char32_t c);

}  // namespace iolaus::config
