// The lexer of overrides: one pass, each token by looking at its first characters. Numbers and
// words compete by length (`1e3` float, `1e3x` is `1e3` then `x`, `info` a word and not `inf`).
#include "config/override_lexer.h"

#include <algorithm>
#include <cctype>

namespace iolaus::config {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

// [0-9] ('_'? [0-9])*
std::size_t skip_digits(std::string_view s, std::size_t at) {
  if (at >= s.size() || !is_digit(s[at])) return at;
  ++at;
  while (at < s.size()) {
    const std::size_t digit = s[at] == '_' ? at + 1 : at;
    if (digit >= s.size() || !is_digit(s[digit])) break;
    at = digit + 1;
  }
  return at;
}

// '0' | [1-9] ('_'? [0-9])*: the end of it, or `at` where there is none.
std::size_t skip_unsigned(std::string_view s, std::size_t at) {
  return at < s.size() && s[at] == '0' ? at + 1 : skip_digits(s, at);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<OverrideToken> run() {
    bool in_value = false;
    while (at_ < text_.size()) {
      const std::size_t before = tokens_.size();
      in_value ? lex_value() : lex_key();
      if (tokens_.size() == before) {
        tokens_.push_back({Token::kError, text_.substr(at_, 1), at_});
        return std::move(tokens_);
      }
      if (tokens_.back().type == Token::kEqual) in_value = true;
    }
    tokens_.push_back({Token::kEnd, {}, at_});
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t at) const { return at < text_.size() ? text_[at] : '\0'; }

  void push(Token type, std::size_t end) {
    tokens_.push_back({type, text_.substr(at_, end - at_), at_});
    at_ = end;
  }

  std::size_t skip_blanks(std::size_t at) const {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    return at;
  }

  void lex_key() {
    switch (text_[at_]) {
      case '=':
        return push(Token::kEqual, skip_blanks(at_ + 1));
      case '~':
        return push(Token::kTilde, at_ + 1);
      case '+':
        return push(Token::kPlus, at_ + 1);
      case '@':
        return push(Token::kAt, at_ + 1);
      case ':':
        return push(Token::kColon, at_ + 1);
      case '/':
        return push(Token::kSlash, at_ + 1);
      default:
        return lex_key_word();
    }
  }

  // One part of a dotted path: (letter | _ | $)(letter | digit | _ | - | $)*, or a number.
  std::size_t skip_key_part(std::size_t at) const {
    if (is_alpha(peek(at)) || peek(at) == '_' || peek(at) == '$') {
      while (is_alpha(peek(at)) || is_digit(peek(at)) || peek(at) == '_' || peek(at) == '-' ||
             peek(at) == '$') {
        ++at;
      }
      return at;
    }
    return skip_unsigned(text_, at);
  }

  void lex_key_word() {
    const std::size_t first = skip_key_part(at_);
    if (first == at_) return;
    std::size_t end = first;
    while (peek(end) == '.') {
      const std::size_t next = skip_key_part(end + 1);
      if (next == end + 1) break;
      end = next;
    }
    if (end > first) return push(Token::kDotPath, end);
    if (is_digit(text_[at_])) return;  // a number is no key by itself
    const bool special = text_.substr(at_, first - at_).find('$') != std::string_view::npos;
    push(special ? Token::kKeySpecial : Token::kId, first);
  }

  void lex_value() {
    if (is_blank(text_[at_])) return lex_blank();
    switch (text_[at_]) {
      case '[':
        return push(Token::kBracketOpen, skip_blanks(at_ + 1));
      case '{':
        return push(Token::kBraceOpen, skip_blanks(at_ + 1));
      case '"':
      case '\'':
        return lex_quoted();
      default:
        break;
    }
    if (lex_punctuation(at_)) return;
    if (text_[at_] == '\\' && lex_escape()) return;
    if (text_[at_] == '$' && lex_interpolation()) return;
    lex_word();
  }

  // Blanks belong to the punctuation that follows them; else they are a token of their own.
  void lex_blank() {
    const std::size_t end = skip_blanks(at_);
    if (!lex_punctuation(end)) push(Token::kBlank, end);
  }

  // Punctuation at `at`, where the token began at at_ (blanks before it).
  bool lex_punctuation(std::size_t at) {
    switch (peek(at)) {
      case '(':
        return push(Token::kParenOpen, skip_blanks(at + 1)), true;
      case ',':
        return push(Token::kComma, skip_blanks(at + 1)), true;
      case ':':
        return push(Token::kColon, skip_blanks(at + 1)), true;
      case '=':
        return push(Token::kEqual, skip_blanks(at + 1)), true;
      case ')':
        return push(Token::kParenClose, at + 1), true;
      case ']':
        return push(Token::kBracketClose, at + 1), true;
      case '}':
        return push(Token::kBraceClose, at + 1), true;
      default:
        return false;
    }
  }

  bool lex_escape() {
    constexpr std::string_view kEscapable = "\\()[]{}:=, \t";
    std::size_t end = at_;
    while (peek(end) == '\\' && end + 1 < text_.size() &&
           kEscapable.find(text_[end + 1]) != std::string_view::npos) {
      end += 2;
    }
    if (end == at_) return false;
    push(Token::kEscape, end);
    return true;
  }

  // `${`, at least one character that is not `}`, `}`.
  bool lex_interpolation() {
    if (peek(at_ + 1) != '{') return false;
    const std::size_t close = text_.find('}', at_ + 2);
    if (close == std::string_view::npos || close == at_ + 2) return false;
    push(Token::kInterpolation, close + 1);
    return true;
  }

  // Ends at the first quote of its kind with an even number of backslashes before it.
  void lex_quoted() {
    const char quote = text_[at_];
    std::size_t backslashes = 0;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == quote && backslashes % 2 == 0) return push(Token::kQuoted, i + 1);
      backslashes = text_[i] == '\\' ? backslashes + 1 : 0;
    }
  }

  void lex_word() {
    const auto [number_end, is_float] = number(at_);
    const std::size_t word_end = word(at_);
    if (number_end > at_ && number_end >= word_end) {
      return push(is_float ? Token::kFloat : Token::kInt, number_end);
    }
    if (word_end > at_) {
      const std::string_view text = text_.substr(at_, word_end - at_);
      if (equals_ignoring_case(text, "true") || equals_ignoring_case(text, "false")) {
        return push(Token::kBool, word_end);
      }
      return push(equals_ignoring_case(text, "null") ? Token::kNull : Token::kId, word_end);
    }
    constexpr std::string_view kUnquoted = "/-\\+.$%*@?|";
    if (kUnquoted.find(text_[at_]) != std::string_view::npos) push(Token::kUnquotedChar, at_ + 1);
  }

  std::size_t word(std::size_t at) const {
    if (!is_alpha(peek(at)) && peek(at) != '_') return at;
    while (is_alpha(peek(at)) || is_digit(peek(at)) || peek(at) == '_' || peek(at) == '-') ++at;
    return at;
  }

  // The longest number at `at`: its end (or `at`), and whether it is a float.
  std::pair<std::size_t, bool> number(std::size_t start) const {
    std::size_t at = start;
    if (peek(at) == '+' || peek(at) == '-') ++at;
    const std::string_view three = text_.substr(at, 3);
    if (equals_ignoring_case(three, "inf") || equals_ignoring_case(three, "nan")) {
      return {at + 3, true};
    }
    const std::size_t whole = skip_unsigned(text_, at);
    std::size_t end = whole;
    bool is_float = false;
    if (peek(whole) == '.') {
      // `1.` and `1.5` and `.5`; a lone dot is no number.
      const std::size_t fraction = skip_digits(text_, whole + 1);
      if (whole > at || fraction > whole + 1) {
        end = fraction;
        is_float = true;
      }
    }
    if (end == at) return {start, false};
    if (peek(end) == 'e' || peek(end) == 'E') {
      std::size_t digits = end + 1;
      if (peek(digits) == '+' || peek(digits) == '-') ++digits;
      const std::size_t exponent = skip_digits(text_, digits);
      if (exponent > digits) return {exponent, true};
    }
    return {end, is_float};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<OverrideToken> tokens_;
};

}  // namespace

std::vector<OverrideToken> lex_override(std::string_view text) { return Lexer(text).run(); }

}  // namespace iolaus::config
