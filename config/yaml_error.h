// Messages for bad YAML, as PyYAML words them. libyaml reports its own words; these functions
// translate them, and find by themselves what libyaml accepts and PyYAML does not (tabs between
// tokens, `?` inside a plain scalar of a flow collection, `\'`).
#pragma once

#include <yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/mark.h"

namespace iolaus::config::yaml {

/// A message with up to two places, printed in PyYAML's layout.
struct Problem {
  std::string context;
  Mark context_mark;
  std::string problem;
  Mark mark;

  std::string text() const;
};
[[noreturn]] void raise(const Problem& problem);

/// Name of the token that starts at a mark, as PyYAML would meet it. Several can start there: an
/// end of block is what the parser stumbled over only if it is alone, and the start of the mapping
/// that is being parsed has been read already.
std::string token_at(std::string_view text, const yaml_mark_t& mark, bool mapping_starts_here);

/// `  in "conf/a.yaml", line 3, column 5`.
std::string place(const Mark& mark);

/// Throws where the bytes are no UTF-8 or hold characters that YAML forbids.
void check_characters(std::string_view text, std::uint32_t source);

/// The first place that PyYAML rejects and libyaml accepts. Costs a second scan, and only where the
/// text holds a character that could matter.
std::optional<Problem> stricter_problem(std::string_view text, std::uint32_t source);

/// Text to insert where libyaml refuses what PyYAML reads: a blank behind the colon of `[a:[b]]`,
/// an indentation indicator for a block scalar whose content begins with a tab, and a comment
/// sign before an unknown directive.
struct Repair {
  std::size_t at;  // byte
  std::string text;
};
std::optional<Repair> repair_for(const yaml_parser_t& parser, std::string_view text);

/// Translates the error that a parser has stopped with.
Problem translate(const yaml_parser_t& parser, std::string_view text, std::uint32_t source);

/// A mark from libyaml's.
inline Mark to_mark(const yaml_mark_t& mark, std::uint32_t source) {
  return {source, static_cast<std::uint32_t>(mark.line + 1),
          static_cast<std::uint32_t>(mark.column + 1)};
}

}  // namespace iolaus::config::yaml
