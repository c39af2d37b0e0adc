// Tokens of an override. Two modes as in the reference's grammar: the key, up to the first `=`, and
// the value. Longest match wins, and a token takes the blanks around it where the grammar says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

}  // namespace iolaus::config
