// Translation of libyaml's errors into PyYAML's words. Runs on the error path only, so it favours
// short code over speed.
#include "config/yaml_error.h"

#include "config/python_text.h"
#include "config/yaml_parser.h"

namespace iolaus::config::yaml {
namespace {

const char* token_name(yaml_token_type_t type) {
  switch (type) {
    case YAML_STREAM_START_TOKEN:
      return "<stream start>";
    case YAML_STREAM_END_TOKEN:
      return "<stream end>";
    case YAML_VERSION_DIRECTIVE_TOKEN:
    case YAML_TAG_DIRECTIVE_TOKEN:
      return "<directive>";
    case YAML_DOCUMENT_START_TOKEN:
      return "<document start>";
    case YAML_DOCUMENT_END_TOKEN:
      return "<document end>";
    case YAML_BLOCK_SEQUENCE_START_TOKEN:
      return "<block sequence start>";
    case YAML_BLOCK_MAPPING_START_TOKEN:
      return "<block mapping start>";
    case YAML_BLOCK_END_TOKEN:
      return "<block end>";
    case YAML_FLOW_SEQUENCE_START_TOKEN:
      return "[";
    case YAML_FLOW_SEQUENCE_END_TOKEN:
      return "]";
    case YAML_FLOW_MAPPING_START_TOKEN:
      return "{";
    case YAML_FLOW_MAPPING_END_TOKEN:
      return "}";
    case YAML_BLOCK_ENTRY_TOKEN:
      return "-";
    case YAML_FLOW_ENTRY_TOKEN:
      return ",";
    case YAML_KEY_TOKEN:
      return "?";
    case YAML_VALUE_TOKEN:
      return ":";
    case YAML_ALIAS_TOKEN:
      return "<alias>";
    case YAML_ANCHOR_TOKEN:
      return "<anchor>";
    case YAML_TAG_TOKEN:
      return "<tag>";
    case YAML_SCALAR_TOKEN:
      return "<scalar>";
    case YAML_NO_TOKEN:
      break;
  }
  return "<unknown>";
}

/// Byte offset of a character index.
std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t i = 0;
  for (std::size_t n = 0; n < index && i < text.size(); ++n) next_character(text, i);
  return i;
}

/// repr() of the character at a mark, some characters on.
std::string character_at(std::string_view text, const yaml_mark_t& mark, std::size_t skip = 0) {
  std::size_t i = byte_offset(text, mark.index + skip);
  if (i >= text.size()) return "'\\x00'";
  std::string one;
  append_utf8(one, next_character(text, i));
  return python_quoted(one);
}

struct Wording {
  const char* libyaml;
  const char* pyyaml;  // %c: repr of the character there, %t: of the token there
};
constexpr Wording kWordings[] = {
    {"found character that cannot start any token",
     "found character %c that cannot start any token"},
    {"block sequence entries are not allowed in this context",
     "sequence entries are not allowed here"},
    {"mapping keys are not allowed in this context", "mapping keys are not allowed here"},
    {"mapping values are not allowed in this context", "mapping values are not allowed here"},
    {"did not find expected key", "expected <block end>, but found %t"},
    {"did not find expected '-' indicator", "expected <block end>, but found %t"},
    {"did not find expected ',' or ']'", "expected ',' or ']', but got %t"},
    {"did not find expected ',' or '}'", "expected ',' or '}', but got %t"},
    {"did not find expected <document start>", "expected '<document start>', but found %t"},
    {"did not find expected node content", "expected the node content, but found %t"},
    {"found a tab character that violates indentation",
     "found character '\\t' that cannot start any token"},
    {"found duplicate %YAML directive", "found duplicate YAML directive"},
    {"found incompatible YAML document",
     "found incompatible YAML document (version 1.* is required)"},
    {"did not find expected alphabetic or numeric character",
     "expected alphabetic or numeric character, but found %c"},
    {"could not find expected directive name",
     "expected alphabetic or numeric character, but found %c"},
    {"found unexpected non-alphabetical character",
     "expected alphabetic or numeric character, but found %c"},
    {"did not find expected version number", "expected a digit, but found %c"},
    {"did not find expected digit or '.' character", "expected a digit or '.', but found %c"},
    {"did not find the expected '>'", "expected '>', but found %c"},
    {"did not find expected tag URI", "expected URI, but found %c"},
    {"did not find expected '!'", "expected '!', but found %c"},
    {"did not find expected whitespace", "expected ' ', but found %c"},
    {"did not find expected whitespace or line break", "expected ' ', but found %c"},
    {"found an indentation indicator equal to 0",
     "expected indentation indicator in the range 1-9, but found 0"},
    {"found unexpected document indicator", "found unexpected document separator"},
};

std::string reworded(std::string_view problem, std::string_view text, const yaml_parser_t& parser) {
  const yaml_mark_t& mark = parser.problem_mark;
  for (const Wording& wording : kWordings) {
    if (problem != wording.libyaml) continue;
    std::string out = wording.pyyaml;
    if (const auto at = out.find("%c"); at != std::string::npos) {
      out.replace(at, 2, character_at(text, mark));
    } else if (const auto token = out.find("%t"); token != std::string::npos) {
      const bool mapping_starts_here = parser.context_mark.index == mark.index;
      out.replace(token, 2, python_quoted(token_at(text, mark, mapping_starts_here)));
    }
    return out;
  }
  return std::string(problem);
}

/// libyaml moves on to a new line at the end of a text that lacks a line feed there.
Mark mark_in(std::string_view text, const yaml_mark_t& mark, std::uint32_t source) {
  Mark out = to_mark(mark, source);
  if (mark.column != 0 || text.empty() || byte_offset(text, mark.index) < text.size()) return out;
  const std::size_t line_start = text.find_last_of("\n\r") + 1;  // npos + 1 is 0
  if (line_start == text.size()) return out;
  std::uint32_t column = 1;
  for (std::size_t i = line_start; i < text.size(); ++column) next_character(text, i);
  return {source, out.line - 1, column};
}

/// Escapes: PyYAML points at the character behind the backslash, or at the digits.
void translate_escape(Problem& out, const yaml_parser_t& parser, std::string_view text) {
  const std::string_view problem = parser.problem;
  out.context = "while scanning a double-quoted scalar";
  if (problem == "found unknown escape character") {
    out.problem = "found unknown escape character " + character_at(text, parser.problem_mark, 1);
    out.mark.column += 1;
    return;
  }
  // The mark stands on the digits; the letter before them tells how many must follow.
  const std::size_t i = byte_offset(text, parser.problem_mark.index);
  const char letter = i > 0 && i <= text.size() ? text[i - 1] : 'x';
  const std::size_t length = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
  for (std::size_t k = 0; k < length; ++k) {
    const char c = i + k < text.size() ? text[i + k] : '\0';
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) continue;
    out.problem = "expected escape sequence of " + std::to_string(length) +
                  " hexadecimal numbers, but found " + character_at(text, parser.problem_mark, k);
    break;
  }
}

/// A block scalar's header: what stands directly behind the indicator is no indicator.
void translate_block_header(Problem& out, const yaml_parser_t& parser, std::string_view text) {
  const std::size_t i = byte_offset(text, parser.problem_mark.index);
  const char before = i > 0 ? text[i - 1] : ' ';
  const char* expected = before == ' ' || before == '\t'
                             ? "expected a comment or a line break, but found "
                             : "expected chomping or indentation indicators, but found ";
  out.problem = expected + character_at(text, parser.problem_mark);
}

}  // namespace

std::string token_at(std::string_view text, const yaml_mark_t& mark, bool mapping_starts_here) {
  ParserGuard guard(text);
  std::string found = "<stream end>";
  for (bool more = true; more;) {
    yaml_token_t token;
    if (yaml_parser_scan(&guard.parser, &token) == 0) break;
    const bool here = token.start_mark.index == mark.index;
    const bool past = token.start_mark.index > mark.index;
    const yaml_token_type_t type = token.type;
    yaml_token_delete(&token);
    const bool skip = type == YAML_STREAM_START_TOKEN || type == YAML_BLOCK_END_TOKEN ||
                      (type == YAML_BLOCK_MAPPING_START_TOKEN && mapping_starts_here);
    if (here && !skip) return token_name(type);
    if (here && type == YAML_BLOCK_END_TOKEN) found = "<block end>";
    more = !past && type != YAML_STREAM_END_TOKEN;
  }
  return found;
}

std::string place(const Mark& mark) {
  return "  in \"" + mark.source_name() + "\", line " + std::to_string(mark.line) + ", column " +
         std::to_string(mark.column);
}

std::string Problem::text() const {
  std::string out = context;
  const bool same = context_mark.line == mark.line && context_mark.column == mark.column;
  if (context_mark.line > 0 && !context.empty() && !same) out += "\n" + place(context_mark);
  if (!out.empty()) out += "\n";
  out += problem;
  if (mark.line > 0) out += "\n" + place(mark);
  return out;
}

void raise(const Problem& problem) { throw Error(ErrorCode::kConfig, problem.text()); }

std::optional<Repair> repair_for(const yaml_parser_t& parser, std::string_view text) {
  if (parser.problem == nullptr) return std::nullopt;
  const std::string_view problem = parser.problem;
  if (problem == "found unexpected ':'") {
    return Repair{byte_offset(text, parser.problem_mark.index) + 1, " "};
  }
  if (problem == "found a tab character where an indentation space is expected") {
    const auto parent = static_cast<std::size_t>(parser.indent < 0 ? 0 : parser.indent);
    const std::size_t column = parser.problem_mark.column;
    if (column <= parent || column - parent > 9) return std::nullopt;
    return Repair{byte_offset(text, parser.context_mark.index) + 1,
                  std::to_string(column - parent)};
  }
  if (problem == "found unknown directive name") {
    return Repair{byte_offset(text, parser.context_mark.index), "#"};
  }
  return std::nullopt;
}

Problem translate(const yaml_parser_t& parser, std::string_view text, std::uint32_t source) {
  Problem out;
  const std::string_view problem = parser.problem != nullptr ? parser.problem : "bad YAML";
  out.context = parser.context != nullptr ? parser.context : "";
  out.context_mark = mark_in(text, parser.context_mark, source);
  out.mark = mark_in(text, parser.problem_mark, source);
  const std::string_view context = out.context;
  if (context == "while parsing a quoted scalar") {
    translate_escape(out, parser, text);
  } else if (problem == "did not find expected comment or line break") {
    translate_block_header(out, parser, text);
    if (context == "while scanning a %YAML directive" ||
        context == "while scanning a %TAG directive" || context == "while scanning a directive") {
      out.problem = "expected a comment or a line break, but found " +
                    character_at(text, parser.problem_mark);
    }
  } else {
    out.problem = reworded(problem, text, parser);
    if (problem == "found a tab character that violates indentation") {
      out.context = "while scanning for the next token";
      out.context_mark = {};
    }
  }
  if (context == "while scanning a %YAML directive" ||
      context == "while scanning a %TAG directive") {
    out.context = "while scanning a directive";
  }
  return out;
}

}  // namespace iolaus::config::yaml
