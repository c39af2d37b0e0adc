// Analysis of scalars by the rules of PyYAML's emitter and OmegaConf's representer of strings.
#include "config/yaml_style.h"

#include "config/base64.h"
#include "config/python_text.h"
#include "config/scalar.h"

namespace iolaus::config::yaml {
namespace {

bool is_blank_or_end(char32_t c) {
  return c == 0 || c == ' ' || c == '\t' || c == '\r' || is_break(c);
}
bool is_one_of(char32_t c, std::string_view set) {
  return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

/// True where an indicator at position i makes a plain block scalar impossible.
bool is_block_indicator(const std::u32string& text, std::size_t i) {
  const char32_t c = text[i];
  const bool followed = i + 1 >= text.size() || is_blank_or_end(text[i + 1]);
  if (i == 0) {
    if (is_one_of(c, "#,[]{}&*!|>'\"%@`")) return true;
    return is_one_of(c, "?:-") && followed;
  }
  if (c == ':') return followed;
  return c == '#' && is_blank_or_end(text[i - 1]);
}

bool is_special(char32_t c) {
  if (c == '\n' || (c >= 0x20 && c <= 0x7E)) return false;
  const bool unicode = c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
                       (c >= 0x10000 && c < 0x10FFFF);
  return !unicode || c == 0xFEFF;
}

Analysis analyse(const std::u32string& text) {
  Analysis out;
  if (text.empty()) return {true, false, true, true, false};
  bool indicator = text.starts_with(U"---") || text.starts_with(U"...");
  bool special = false, break_space = false, space_break = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    indicator |= is_block_indicator(text, i);
    special |= is_special(c);
    out.multiline |= is_break(c);
    if (i == 0) continue;
    break_space |= c == ' ' && is_break(text[i - 1]);
    space_break |= is_break(c) && text[i - 1] == ' ';
  }
  const auto edge = [](char32_t c) { return c == ' ' || is_break(c); };
  const bool edges = edge(text.front()) || edge(text.back());
  out.plain = !edges && !break_space && !space_break && !special && !out.multiline && !indicator;
  out.single_quoted = !break_space && !space_break && !special;
  out.literal = text.back() != ' ' && !space_break && !special;
  return out;
}

Scalar scalar_of(std::string_view text, const char* type_tag, bool is_string) {
  Scalar out{decode(text), {}, "", std::string_view(type_tag).size(), true};
  out.analysis = analyse(out.text);
  if (is_string) {
    out.wants_quotes =
        is_yaml_bool_word(text) || python_reads_int(text) || python_reads_float(text);
    out.may_be_plain = !out.wants_quotes && tag_for_dump(text) == ScalarTag::kString;
  }
  return out;
}

std::string float_text(double value) {
  std::string text = python_float(value);
  if (text == "nan") return ".nan";
  if (text == "inf") return ".inf";
  if (text == "-inf") return "-.inf";
  const std::size_t e = text.find('e');
  if (e != std::string::npos && text.find('.') == std::string::npos) text.insert(e, ".0");
  return text;
}

}  // namespace

std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) out += next_character(text, i);
  return out;
}

Scalar scalar_of(const Node& node) {
  switch (node.kind()) {
    case Kind::kNull:
      return scalar_of("null", "!!null", false);
    case Kind::kBool:
      return scalar_of(node.as_bool() ? "true" : "false", "!!bool", false);
    case Kind::kInt:
      return scalar_of(std::to_string(node.as_int()), "!!int", false);
    case Kind::kFloat:
      return scalar_of(float_text(node.as_float()), "!!float", false);
    case Kind::kBytes: {
      Scalar out = scalar_of(base64_encode_lines(node.as_string()), "!!binary", false);
      out.tag = "!!binary";
      out.may_be_plain = false;
      out.wants_literal = true;
      return out;
    }
    default:
      return scalar_of(node.as_string(), "!!str", true);
  }
}

Scalar scalar_of(const Key& key) {
  if (key.is_string()) return scalar_of(key.string(), "!!str", true);
  if (key.is_bool()) return scalar_of(key.integer() != 0 ? "true" : "false", "!!bool", false);
  if (key.is_int()) return scalar_of(key.text(), "!!int", false);
  return scalar_of(float_text(key.real()), "!!float", false);
}

Style style_of(const Scalar& scalar, bool key) {
  const Analysis& a = scalar.analysis;
  const bool bad_key = key && (a.empty || a.multiline);
  if (scalar.may_be_plain && a.plain && !bad_key) return Style::kPlain;
  if (scalar.wants_literal) return !key && a.literal ? Style::kLiteral : Style::kDouble;
  if (a.single_quoted && !(key && a.multiline)) return Style::kSingle;
  return Style::kDouble;
}

}  // namespace iolaus::config::yaml
