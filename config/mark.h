// Mark: where a value comes from: a file, an override on the command line, or the program itself.
// The name of the source is interned once, so that a mark is three numbers and costs nothing to
// copy with every node.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace iolaus::config {

struct Mark {
  std::uint32_t source = 0;  // from intern_source; 0: unknown
  std::uint32_t line = 0;    // from 1; 0: the source has no lines
  std::uint32_t column = 0;  // from 1; 0: unknown

  bool known() const { return source != 0; }
  /// Name of the source: a path, "override 2: lr=3", ...; "" where unknown.
  const std::string& source_name() const;
  /// "conf/db/mysql.yaml:3:5", "override 2: lr=3", or "" where unknown.
  std::string text() const;
};

/// A number for a source's name, the same for the same name. Thread-safe; never freed.
std::uint32_t intern_source(std::string_view name);
/// The name behind the number; "" for 0. The reference stays valid.
const std::string& source_name(std::uint32_t source);

}  // namespace iolaus::config
