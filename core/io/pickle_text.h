// Python's notations for text and numbers, as the older pickles and messages about them use them.
#pragma once

#include <string>
#include <string_view>

namespace iolaus::io {

/// 'text' with its quotes and escapes (\n, \x41, \101), as Python 2 writes a str. False where it is
/// none.
bool decode_python_string(std::string_view text, std::string* out);
/// \u0041 and \U00000041 in Latin-1, to UTF-8. False for an escape that is not complete or names no
/// code point.
bool decode_raw_unicode_escape(std::string_view text, std::string* out);
/// UTF-8 of code points below 256 to the bytes that they stand for. False where it is not that.
bool encode_latin1(std::string_view utf8, std::string* out);
/// A float as Python's repr writes it. False where it is none.
bool parse_python_float(std::string_view text, double* out);
/// In quotes, at most 48 bytes, with what is not printable ASCII as \xNN.
std::string quote_bytes(std::string_view bytes);

}  // namespace iolaus::io
