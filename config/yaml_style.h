// Inside of the YAML writer: a scalar's text, what it contains, and the style it gets.
#pragma once

#include <string>
#include <string_view>

#include "config/node.h"

namespace iolaus::config::yaml {

/// Line breaks of YAML 1.1.
inline bool is_break(char32_t c) { return c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029; }

/// Which styles a text allows in block context.
struct Analysis {
  bool empty = false, multiline = false, plain = true, single_quoted = true, literal = true;
};

enum class Style { kPlain, kSingle, kDouble, kLiteral };

/// A scalar ready to be written.
struct Scalar {
  std::u32string text;
  Analysis analysis;
  const char* tag;         // as written in front, or ""
  std::size_t tag_length;  // of the tag that counts when a key is measured
  bool may_be_plain;
  bool wants_quotes = false;
  bool wants_literal = false;
};

Scalar scalar_of(const Node& node);
Scalar scalar_of(const Key& key);
/// The plainest style that reads back as the same value. Keys cannot be folded.
Style style_of(const Scalar& scalar, bool key);
std::u32string decode(std::string_view text);

}  // namespace iolaus::config::yaml
