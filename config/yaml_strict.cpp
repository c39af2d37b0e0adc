// What PyYAML refuses and libyaml accepts: found by a second scan of the tokens, which only texts
// with a tab, a `?` or a `\'` in them pay for; and the check of the characters themselves.
#include <utility>
#include <vector>

#include "config/python_text.h"
#include "config/yaml_error.h"
#include "config/yaml_parser.h"

namespace iolaus::config::yaml {
namespace {

/// Walks over the text in step with libyaml's character indices.
struct Walker {
  std::string_view text;
  std::uint32_t source;
  std::size_t byte = 0, index = 0;
  Mark mark{source, 1, 1};

  char32_t step() {
    const char32_t c = next_character(text, byte);
    ++index;
    const bool crlf = c == '\r' && byte < text.size() && text[byte] == '\n';
    if ((c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029) && !crlf) {
      ++mark.line;
      mark.column = 1;
    } else if (c != 0xFEFF) {
      ++mark.column;
    }
    return c;
  }
};

Problem cannot_start_token(const Mark& mark, const char* character) {
  return {"while scanning for the next token",
          {},
          std::string("found character ") + character + " that cannot start any token",
          mark};
}

/// Tabs count as blanks for libyaml; PyYAML takes them between tokens only inside comments.
std::optional<Problem> tab_in_gap(Walker& walker, std::size_t to) {
  bool comment = false;
  while (walker.index < to && walker.byte < walker.text.size()) {
    const Mark mark = walker.mark;
    const std::uint32_t line = mark.line;
    const char32_t c = walker.step();
    if (c == '#') comment = true;
    if (walker.mark.line != line) comment = false;
    if (c == '\t' && !comment) return cannot_start_token(mark, "'\\t'");
  }
  return std::nullopt;
}

/// An open flow collection.
struct Flow {
  bool sequence;
  Mark mark;
};

Problem unexpected_key(const Flow& flow, const Mark& mark) {
  if (flow.sequence) {
    return {"while parsing a flow sequence", flow.mark, "expected ',' or ']', but got '?'", mark};
  }
  return {"while parsing a flow mapping", flow.mark, "expected ',' or '}', but got '?'", mark};
}

std::optional<Problem> strict_scalar(Walker& walker, const yaml_token_t& token, const Flow* flow) {
  const auto style = token.data.scalar.style;
  const Mark start = walker.mark;
  bool escaped = false, comment_possible = false;
  while (walker.index < token.end_mark.index && walker.byte < walker.text.size()) {
    const Mark mark = walker.mark;
    const char32_t c = walker.step();
    if (style == YAML_PLAIN_SCALAR_STYLE) {
      if (c == '\t') return cannot_start_token(mark, "'\\t'");
      if (c == '?' && flow != nullptr) {
        // It starts a key there; whatever follows, the parser is not ready for it.
        const bool first = mark.line == start.line && mark.column == start.column;
        if (!first) return unexpected_key(*flow, mark);
        const char next = walker.byte < walker.text.size() ? walker.text[walker.byte] : '\0';
        if (next != '?') continue;
        return Problem{"while parsing a flow node",
                       {},
                       "expected the node content, but found '?'",
                       walker.mark};
      }
    }
    if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
      if (escaped && c == '\'') {
        return Problem{"while scanning a double-quoted scalar", start,
                       "found unknown escape character \"'\"", mark};
      }
      escaped = !escaped && c == '\\';
    }
    const bool block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
    if (block && mark.line == start.line) {
      if (c == '#') comment_possible = true;
      if (c == '\t' && !comment_possible) {
        return Problem{"while scanning a block scalar", start,
                       mark.column == start.column + 1
                           ? "expected chomping or indentation indicators, but found '\\t'"
                           : "expected a comment or a line break, but found '\\t'",
                       mark};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

void check_characters(std::string_view text, std::uint32_t source) {
  const auto bad_bytes = [&](std::size_t at, const char* reason) {
    const auto byte = static_cast<unsigned char>(text[at]);
    fail(ErrorCode::kConfig,
         "'utf-8' codec can't decode byte {:#04x} in position {}: {}\n  in \"{}\"", byte, at,
         reason, source_name(source));
  };
  std::size_t characters = 0;
  std::optional<std::pair<char32_t, std::size_t>> forbidden;
  for (std::size_t i = 0; i < text.size(); ++characters) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0x20 && lead < 0x7F) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    const char32_t c = next_character(text, i);
    if (c == 0xFFFD && i == start + 1) {
      const int length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
      if (length == 0) bad_bytes(start, "invalid start byte");
      const bool cut = start + static_cast<std::size_t>(length) > text.size();
      bad_bytes(start, cut ? "unexpected end of data" : "invalid continuation byte");
    }
    const bool allowed = c == '\t' || c == '\n' || c == '\r' || c == 0x85 ||
                         (c >= 0xA0 && c <= 0xFFFD) || c >= 0x10000;
    if (!allowed && !forbidden) forbidden = {c, characters};
  }
  if (forbidden) {
    fail(ErrorCode::kConfig,
         "unacceptable character #x{:04x}: special characters are not allowed\n"
         "  in \"{}\", position {}",
         static_cast<std::uint32_t>(forbidden->first), source_name(source), forbidden->second);
  }
}

std::optional<Problem> stricter_problem(std::string_view text, std::uint32_t source) {
  const bool tab = text.find('\t') != std::string_view::npos;
  const bool question =
      text.find('?') != std::string_view::npos &&
      (text.find('[') != std::string_view::npos || text.find('{') != std::string_view::npos);
  const bool quote = text.find("\\'") != std::string_view::npos;
  if (!tab && !question && !quote) return std::nullopt;
  ParserGuard guard(text);
  Walker walker{text, source};
  std::vector<Flow> flows;
  std::optional<Problem> problem;
  for (bool more = true; more && !problem;) {
    yaml_token_t token;
    if (yaml_parser_scan(&guard.parser, &token) == 0) {
      return tab_in_gap(walker, guard.parser.problem_mark.index);
    }
    problem = tab_in_gap(walker, token.start_mark.index);
    const bool opens =
        token.type == YAML_FLOW_SEQUENCE_START_TOKEN || token.type == YAML_FLOW_MAPPING_START_TOKEN;
    const bool closes =
        token.type == YAML_FLOW_SEQUENCE_END_TOKEN || token.type == YAML_FLOW_MAPPING_END_TOKEN;
    if (opens) flows.push_back({token.type == YAML_FLOW_SEQUENCE_START_TOKEN, walker.mark});
    if (closes && !flows.empty()) flows.pop_back();
    // libyaml is quadratic in the nesting; the reader stops long before this depth.
    constexpr std::size_t kDeep = 200;
    more = flows.size() < kDeep && token.type != YAML_STREAM_END_TOKEN;
    if (!problem && token.type == YAML_SCALAR_TOKEN) {
      problem = strict_scalar(walker, token, flows.empty() ? nullptr : &flows.back());
    }
    while (walker.index < token.end_mark.index && walker.byte < text.size()) walker.step();
    yaml_token_delete(&token);
  }
  return problem;
}

}  // namespace iolaus::config::yaml
