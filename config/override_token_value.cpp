// Texts and numbers of tokens. Numbers may have underscores between their digits, as in Python.
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "config/override_lexer.h"

namespace iolaus::config {
namespace {

std::string without_underscores(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  if (!digits.empty() && digits[0] == '+') digits.erase(0, 1);
  return digits;
}

void append_token(std::string& text, const OverrideToken& token) {
  if (token.type != Token::kEscape) {
    text += token.text;
    return;
  }
  for (std::size_t i = 1; i < token.text.size(); i += 2) text += token.text[i];
}

}  // namespace

std::string unquoted(std::string_view token) {
  const char quote = token[0];
  const std::string_view body = token.substr(1, token.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    std::size_t end = i;
    while (end < body.size() && body[end] == '\\') ++end;
    const bool escapes = end > i && (end == body.size() || body[end] == quote);
    out.append(escapes ? (end - i) / 2 : end - i, '\\');
    if (end < body.size()) out += body[end];
    i = end + 1;
  }
  return out;
}

std::string joined_text(std::span<const OverrideToken> tokens) {
  std::string text;
  for (const OverrideToken& token : tokens) append_token(text, token);
  return text;
}

std::optional<Node> token_value(const OverrideToken& token) {
  switch (token.type) {
    case Token::kInt: {
      const std::string digits = without_underscores(token.text);
      std::int64_t number = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), number);
      return error == std::errc() ? std::optional(Node(number)) : std::nullopt;
    }
    case Token::kFloat:
      return Node(std::strtod(without_underscores(token.text).c_str(), nullptr));
    case Token::kNull:
      return Node();
    case Token::kBool:
      return Node(token.text[0] == 't' || token.text[0] == 'T');
    default:
      return Node(joined_text({&token, 1}));
  }
}

}  // namespace iolaus::config
