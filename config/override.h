// Override: one command line argument, parsed: `db.port=1`, `+db=mysql`, `~db`, `lr=1,2,3`.
// A hand-written lexer and recursive-descent parser (config/override_parser.cpp) in time linear in
// the text; function calls (casts, sweeps) are evaluated by config/override_functions.cpp.
// The value keeps what composition and sweeps need beyond a Node: quotes, sweeps and globs.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

struct OverrideValue;

/// What a sweep may carry: choices, a range or an interval, with tags for sweepers.
struct Sweep {
  enum class Kind { kChoice, kRange, kInterval };
  Kind kind = Kind::kChoice;
  std::vector<OverrideValue> choices;
  bool simple = false;     // written `a,b`, not `choice(a,b)`
  bool shuffle = false;    // the sweeper draws the order
  Node start, stop, step;  // range: ints or floats; interval: start and stop
  std::set<std::string> tags;
};

/// Names of a group's options by shell patterns.
struct Glob {
  std::vector<std::string> include, exclude;
  std::vector<std::string> filter(const std::vector<std::string>& names) const;
};

/// A parsed value: scalar, quoted string, list, dict, sweep, glob, or the tail of extend_list.
struct OverrideValue {
  enum class Kind { kScalar, kQuoted, kList, kDict, kSweep, kGlob, kExtension };
  Kind kind = Kind::kScalar;
  Node scalar;                       // kScalar; kQuoted: the text without quotes
  char quote = '\'';                 // kQuoted
  std::vector<OverrideValue> items;  // kList, kExtension; kDict: values
  std::vector<OverrideValue> keys;   // kDict
  std::shared_ptr<Sweep> sweep;      // kSweep
  std::shared_ptr<Glob> glob;        // kGlob

  bool is_text() const;
  const std::string& text() const { return scalar.as_string(); }
  /// The name of the value's type in messages: "int", "str", "ChoiceSweep", ...
  std::string type_name() const;
  /// As Python's repr() of the parsed value.
  std::string repr() const;
  /// As it could stand after `=` of an override: quoted and escaped where needed.
  std::string as_override(bool space_after_separator = false) const;
  /// The value without quotes. kConfig where it holds a sweep.
  Node to_node() const;
};

struct Override {
  enum class Type { kChange, kAdd, kForceAdd, kDelete };
  enum class ValueType { kNone, kElement, kSimpleChoice, kChoice, kGlob, kRange, kInterval };

  Type type = Type::kChange;
  std::string key;                     // config path or group
  std::optional<std::string> package;  // after `@`
  ValueType value_type = ValueType::kNone;
  OverrideValue value;
  std::string line;  // as it was given
  Mark mark;         // where its values come from: "override 2: lr=3"

  bool is_delete() const { return type == Type::kDelete; }
  bool is_add() const { return type == Type::kAdd; }
  bool is_force_add() const { return type == Type::kForceAdd; }
  bool has_value() const { return value_type != ValueType::kNone; }
  bool is_sweep() const { return value_type > ValueType::kElement; }
  bool is_discrete_sweep() const { return is_sweep() && value_type != ValueType::kInterval; }
  /// `hydra.x=...` or `hydra/x=...`.
  bool is_hydra() const { return key.starts_with("hydra.") || key.starts_with("hydra/"); }
  /// Prefix, key and package: "+db@backup".
  std::string key_element() const;
};

struct OverrideGrammar {
  bool hydra_1_4 = false;  // json_str() and extend_list()
};

/// Parses one override. kConfig with the place and what was expected; the text of the error begins
/// as the reference's ("Error parsing override '...'", "LexerNoViableAltException: ...").
Override parse_override(const std::string& line, OverrideGrammar grammar = {});
/// Parses all; marks name them by their position, from 1.
std::vector<Override> parse_overrides(const std::vector<std::string>& lines,
                                      OverrideGrammar grammar = {});

/// The values of a discrete sweep, in the sweep's order, each as it could stand after `=`.
/// `options`: names of the group's configs, for glob(). kConfig for an interval or a zero step.
std::vector<std::string> sweep_values(const Override& override,
                                      const std::vector<std::string>& options);

/// Escapes what an unquoted value can't hold as it is.
std::string escape_override_text(std::string_view text);

}  // namespace iolaus::config
