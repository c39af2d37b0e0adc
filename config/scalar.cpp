// Types of plain scalars: hand-written matchers for the YAML 1.1 patterns.
#include "config/scalar.h"

#include <algorithm>
#include <array>

namespace iolaus::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_digit_or_underscore(char c) { return is_digit(c) || c == '_'; }

/// Walks over a text; each step consumes what it names.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at == text.size(); }
  char peek() const { return done() ? '\0' : text[at]; }
  bool take(char c) { return !done() && text[at] == c && ++at; }
  bool take_one_of(std::string_view set) {
    return !done() && set.find(text[at]) != std::string_view::npos && ++at;
  }
  /// Consumes as many as possible; true where that was at least one.
  template <class Test> bool take_all(Test test) {
    const std::size_t from = at;
    while (!done() && test(text[at])) ++at;
    return at > from;
  }
  bool digits() { return take_all(is_digit); }
  /// Exactly `least` to `most` digits.
  bool digits(int least, int most) {
    int count = 0;
    while (count < most && is_digit(peek())) ++at, ++count;
    return count >= least;
  }
  void sign() { take_one_of("-+"); }
  /// (:[0-5]?[0-9])+
  bool base_60_groups() {
    int groups = 0;
    while (take(':')) {
      if (!is_digit(peek())) return false;
      const bool short_first = peek() <= '5';
      ++at;
      if (short_first && is_digit(peek())) ++at;
      ++groups;
    }
    return groups > 0;
  }
  /// [eE][-+]digits, or with an optional sign; nothing at all is fine too.
  bool optional_exponent(bool needs_sign) {
    if (!take_one_of("eE")) return true;
    if (!take_one_of("-+") && needs_sign) return false;
    return digits();
  }
};

bool matches_int(std::string_view text) {
  Cursor c{text};
  c.sign();
  const Cursor start = c;
  if (c.take('0')) {
    if (c.done()) return true;
    if (c.take('b')) {
      return c.take_all([](char d) { return d == '0' || d == '1' || d == '_'; }) && c.done();
    }
    if (c.take('x')) {
      return c.take_all([](char d) {
        return is_digit_or_underscore(d) || (d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F');
      }) && c.done();
    }
    return c.take_all([](char d) { return (d >= '0' && d <= '7') || d == '_'; }) && c.done();
  }
  c = start;
  if (!is_digit(c.peek())) return false;
  c.take_all(is_digit_or_underscore);
  return c.done() || (c.base_60_groups() && c.done());
}

/// `.inf` and `.nan` in three spellings each.
bool matches_special_float(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

/// PyYAML's own pattern of floats.
bool matches_pyyaml_float(std::string_view text) {
  Cursor c{text};
  if (c.take('.')) {
    return is_digit(c.peek()) && c.take_all(is_digit_or_underscore) && c.optional_exponent(true) &&
           c.done();
  }
  c.sign();
  if (!is_digit(c.peek())) return false;
  c.take_all(is_digit_or_underscore);
  if (c.peek() == ':') {
    if (!c.base_60_groups() || !c.take('.')) return false;
    c.take_all(is_digit_or_underscore);
    return c.done();
  }
  if (!c.take('.')) return false;
  c.take_all(is_digit_or_underscore);
  return c.optional_exponent(true) && c.done();
}

/// [0-9]+(_[0-9]+)*
bool grouped_digits(Cursor& c) {
  if (!c.digits()) return false;
  while (c.peek() == '_' && c.at + 1 < c.text.size() && is_digit(c.text[c.at + 1])) {
    ++c.at;
    c.digits();
  }
  return true;
}

/// What OmegaConf's loader takes for a float beyond that: `1e3`, `1.5e3`.
bool matches_omegaconf_float(std::string_view text) {
  Cursor c{text};
  if (c.peek() == '.') return false;  // the same as PyYAML's, or narrower
  c.sign();
  if (!grouped_digits(c)) return false;
  if (c.take('.')) {
    c.take_all(is_digit_or_underscore);
    return c.optional_exponent(false) && c.done();
  }
  return (c.peek() == 'e' || c.peek() == 'E') && c.optional_exponent(false) && c.done();
}

bool matches_timestamp(std::string_view text) {
  Cursor c{text};
  if (!c.digits(4, 4) || !c.take('-')) return false;
  const bool plain_date = text.size() == 10 && is_digit(text[5]) && is_digit(text[6]) &&
                          text[7] == '-' && is_digit(text[8]) && is_digit(text[9]);
  if (plain_date) return true;
  if (!c.digits(1, 2) || !c.take('-') || !c.digits(1, 2)) return false;
  const auto blank = [](char b) { return b == ' ' || b == '\t'; };
  if (!c.take_one_of("Tt") && !c.take_all(blank)) return false;
  if (!c.digits(1, 2) || !c.take(':') || !c.digits(2, 2)) return false;
  if (!c.take(':') || !c.digits(2, 2)) return false;
  if (c.take('.')) c.digits();
  if (c.done()) return true;
  c.take_all(blank);
  if (c.take('Z')) return c.done();
  if (!c.take_one_of("-+") || !c.digits(1, 2)) return false;
  if (c.take(':') && !c.digits(2, 2)) return false;
  return c.done();
}

/// Three spellings: `word`, `Word`, `WORD`.
bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  const auto up = [](char c) { return static_cast<char>(c - 'a' + 'A'); };
  if (text == lower) return true;
  if (text[0] != up(lower[0])) return false;
  const std::string_view rest = text.substr(1);
  if (rest == lower.substr(1)) return true;
  return std::equal(rest.begin(), rest.end(), lower.begin() + 1,
                    [&](char a, char b) { return a == up(b); });
}

constexpr std::array<std::string_view, 3> kTrueWords{"yes", "true", "on"};
constexpr std::array<std::string_view, 3> kFalseWords{"no", "false", "off"};

template <class Words> bool is_any_word(std::string_view text, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](auto w) { return is_word(text, w); });
}

ScalarTag tag_by_first_character(std::string_view text, bool dump) {
  if (text.empty()) return ScalarTag::kNull;
  const char first = text[0];
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    if (matches_pyyaml_float(text) || matches_special_float(text)) return ScalarTag::kFloat;
    if (matches_int(text)) return ScalarTag::kInt;
    if (dump && matches_timestamp(text)) return ScalarTag::kTimestamp;
    return !dump && matches_omegaconf_float(text) ? ScalarTag::kFloat : ScalarTag::kString;
  }
  if (text == "~" || is_word(text, "null")) return ScalarTag::kNull;
  if (text == "<<") return ScalarTag::kMerge;
  if (text == "=") return ScalarTag::kValue;
  if (text == "!" || text == "&" || text == "*") return ScalarTag::kOther;
  if (is_any_word(text, kTrueWords) || is_any_word(text, kFalseWords)) return ScalarTag::kBool;
  return ScalarTag::kString;
}
}  // namespace

ScalarTag tag_of_plain(std::string_view text) { return tag_by_first_character(text, false); }
ScalarTag tag_for_dump(std::string_view text) { return tag_by_first_character(text, true); }
bool is_yaml_bool_word(std::string_view text) {
  if (text.size() == 1) return std::string_view("yYnN").find(text[0]) != std::string_view::npos;
  return is_any_word(text, kTrueWords) || is_any_word(text, kFalseWords);
}

}  // namespace iolaus::config
