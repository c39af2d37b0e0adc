// DefaultItem: one item of a defaults list, before and while it is worked out: `cfg`, `group: opt`,
// `optional group@pkg: [a, b]`, `override /g: x`. It knows the group and package of the config
// that holds it, and from these its own paths and packages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

struct DefaultItem {
  enum class Kind { kVirtualRoot, kConfig, kGroup };
  enum class Value { kNull, kName, kOptions };

  Kind kind = Kind::kConfig;
  std::string path;  // kConfig: `cfg`, `group/cfg`, `/absolute`, `_self_`
  std::string group;
  Value value_kind = Value::kNull;   // kGroup
  std::string value;                 // kGroup, kName
  std::vector<std::string> options;  // kGroup, kOptions
  std::string not_text;              // kOptions: type of an option that is no name, "" for none
  std::optional<std::string> package;
  bool optional = false;
  bool override_ = false;
  bool external_append = false;  // `+group=x` on the command line
  bool primary = false;
  bool deleted = false;
  Mark mark;

  // Set while the tree is built.
  std::optional<std::string> parent_group;
  std::optional<std::string> parent_package;
  std::optional<std::string> package_header;

  static DefaultItem config(std::string path, std::optional<std::string> package = {});
  static DefaultItem of_group(std::string group, std::optional<std::string> package = {});

  bool is_group() const { return kind == Kind::kGroup; }
  bool is_virtual() const { return kind == Kind::kVirtualRoot; }
  bool is_self() const;
  bool is_options() const { return is_group() && value_kind == Value::kOptions; }
  bool is_interpolation() const;
  /// The option is `???`.
  bool is_missing() const;
  /// Name of the config without its group; nothing for `group: null`.
  std::optional<std::string> name() const;
  /// "group/name" from the root of the search path.
  std::string config_path() const;
  std::string group_path() const;
  /// The package by the place of the group: "a/b" -> "a.b".
  std::string default_package() const;
  /// The package in the composed config; "" for the root.
  std::string final_package(bool with_header = true) const;
  /// How an override names it: "db", or "db@backup" where the package is another.
  std::string override_key() const;

  /// Tells it where it stands; also works `_group_` in the package out.
  void set_parent(const std::string& group, const std::string& package);
  void set_package_header(const std::optional<std::string>& header);
  /// Replaces an interpolated option or path by its value, given the choices made so far.
  void resolve_interpolation(const Node& known_choices);

 private:
  std::string relative_group() const;
};

/// Reads one item of the list; throws kConfig with the reference's text and the item's place.
DefaultItem parse_default_item(const std::string& config_path, const Node& item);

}  // namespace iolaus::config
