// Tokens of an override. Two modes as in the reference's grammar: the key, up to the first `=`, and
// the value. Longest match wins, and a token takes the blanks around it where the grammar says so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

enum class Token {
  kEnd,
  kError,  // a character no token begins with
  // key
  kEqual,
  kTilde,
  kPlus,
  kAt,
  kSlash,
  kKeySpecial,  // an identifier that holds `$`
  kDotPath,
  // both
  kColon,
  kId,
  // value
  kParenOpen,
  kComma,
  kParenClose,
  kBracketOpen,
  kBracketClose,
  kBraceOpen,
  kBraceClose,
  kFloat,
  kInt,
  kBool,
  kNull,
  kUnquotedChar,
  kEscape,
  kBlank,
  kQuoted,
  kInterpolation,
};

struct OverrideToken {
  Token type;
  std::string_view text;
  std::size_t at;  // offset in the override
};

/// Splits an override into tokens; the last one is kEnd or kError.
std::vector<OverrideToken> lex_override(std::string_view text);

/// The value of one unquoted token; nothing where an integer does not fit in 64 bits.
std::optional<Node> token_value(const OverrideToken& token);
/// The text of several unquoted tokens, without the backslashes of escapes.
std::string joined_text(std::span<const OverrideToken> tokens);
/// A quoted string's text: takes the backslashes away that escape a quote or the end.
std::string unquoted(std::string_view token);

}  // namespace iolaus::config
