// Types of unquoted texts in OmegaConf's grammar, which differ from YAML's: `1_000` and `1e3` are
// numbers, `010`, `0x10` and `yes` are strings.
#include "config/interpolation_parser.h"
#include "config/python_text.h"

namespace iolaus::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// '0' | [1-9](_?[0-9])*
bool take_int(std::string_view text, std::size_t& i) {
  if (i >= text.size() || !is_digit(text[i])) return false;
  if (text[i] == '0') return ++i, true;
  while (i < text.size()) {
    if (is_digit(text[i])) {
      ++i;
    } else if (text[i] == '_' && i + 1 < text.size() && is_digit(text[i + 1])) {
      i += 2;
    } else {
      break;
    }
  }
  return true;
}

/// [0-9](_?[0-9])*
bool take_digits(std::string_view text, std::size_t& i) {
  if (i >= text.size() || !is_digit(text[i])) return false;
  ++i;
  while (i < text.size()) {
    const std::size_t digit = text[i] == '_' ? i + 1 : i;
    if (digit >= text.size() || !is_digit(text[digit])) break;
    i = digit + 1;
  }
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

bool is_float_text(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const std::string word = lower(text.substr(i));
  if (word == "inf" || word == "nan") return true;
  const bool whole = take_int(text, i);
  bool fraction = false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = true;
    if (!take_digits(text, i) && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (i == text.size()) return fraction;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  return take_digits(text, i) && i == text.size();
}

}  // namespace

Node typed_literal(std::string_view text) {
  const std::string word = text.size() <= 5 ? lower(text) : std::string();
  if (word == "null") return Node();
  if (word == "true" || word == "false") return Node(word == "true");
  std::size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  if (take_int(text, i) && i == text.size()) {
    std::int64_t value = 0;
    if (parse_int(without_underscores(text), 10, value) == IntStatus::kOk) return Node(value);
    throw GrammarError("[interpolation] expected an integer of at most 64 bits, got " +
                       std::string(text.substr(0, 60)));
  }
  if (is_float_text(text)) {
    const auto value = parse_float(without_underscores(text));
    if (value) return Node(*value);
  }
  return Node(text);
}

}  // namespace iolaus::config
